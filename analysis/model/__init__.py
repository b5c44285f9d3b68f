"""Models of what was not measured: predictions, which are never mixed with measurements."""
