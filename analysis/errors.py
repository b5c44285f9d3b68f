"""What can go wrong with the data of a run, each told in one line."""


class AnalysisError(Exception):
    """Something that the person who asked can mend; its text is one clear line."""


class DamagedRun(AnalysisError):
    """A recorded file is missing, cut off or does not fit its schema."""


class MissingRows(AnalysisError):
    """The run is sound, but does not hold what a figure needs."""


class UnknownFigure(AnalysisError):
    """No figure has this name."""


class BadConfiguration(AnalysisError):
    """A file below config/ does not say what it should."""
