"""What touches the hardware: detect, audit, build and load kernels, tune, schedule, measure, store."""
