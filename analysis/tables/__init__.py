"""The tables that figures, verdicts and the summary read: a file each, made once of a run."""
