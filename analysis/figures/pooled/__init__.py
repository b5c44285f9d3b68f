"""Figures of all runs of a body of evidence together: TABLE and draw take it in place of a run."""
