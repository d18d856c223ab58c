"""The error that stops a start."""


class StartupError(Exception):
    """The service cannot start; the text is for the operator and names the fix."""
