"""The suites of destinations of events."""

from inspect import signature
from typing import Any, Final

from application.ports.events import EventDestination
from pytest_dialtone.port import Port


def is_destination(adapter: Any) -> bool:
    """Return whether `send` takes an event alone. That of a messenger takes a phone and a text."""
    try:
        signature(adapter.send).bind("event")
    except (AttributeError, TypeError, ValueError):
        return False
    return True


PORTS: Final = (Port("DIALTONE_EVENTS", EventDestination, is_destination, ("events",)),)
