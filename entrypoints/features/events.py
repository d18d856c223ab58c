"""Events of users, which are sent to the operator"s backend."""

from typing import Final

from entrypoints.features.feature import Feature


class Events(Feature):
    """Events of users, which are sent to the operator"s backend."""

    name = "events"
    folders = (
        "application/events",
        "application/ports/events.py",
        "adapters/events",
        "entrypoints/commands/events.py",
        "pytest_dialtone/suites/events",
    )


EVENTS: Final = Events()
