"""What touches the hardware: detect, audit, build and load kernels, tune, schedule, measure, store."""

import os

# NumPy's OpenBLAS, of which nothing is used here, would start a thread for each processor.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
