"""The suites of destinations of events."""

from typing import Final

from application.features.events.ports import EventDestination
from tests.contract.suites.port import Port

PORTS: Final = (Port("events", "DIALTONE_EVENTS", EventDestination, ("events",)),)
