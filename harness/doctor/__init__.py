"""What a person asks of the machine and the kernels, beside a run."""
