"""The tables that figures, verdicts and the summary read, each made once."""
