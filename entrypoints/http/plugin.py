"""What a feature adds to the HTTP application."""

from litestar.plugins import InitPlugin


class ApiPlugin(InitPlugin):
    """The HTTP part of a feature: its handlers, dependencies and exception handlers."""
