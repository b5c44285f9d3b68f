"""A whole run: planned, tuned, measured process by process until ratios are known."""
