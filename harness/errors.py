"""The one exception that a person sees: its text is one clear line."""


class HarnessError(Exception):
    """Something a person can mend; the command line prints it as one line and exits with 2."""
