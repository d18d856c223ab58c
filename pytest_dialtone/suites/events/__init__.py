"""The suites of destinations of events."""

from typing import Final

from application.ports.events import EventDestination
from pytest_dialtone.port import Port

PORTS: Final = (Port("events", "DIALTONE_EVENTS", EventDestination, ("events",)),)
