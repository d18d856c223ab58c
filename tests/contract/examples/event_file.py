"""A destination of events that writes them to a file.

Settings: DIALTONE_EVENTS=tests.contract.examples.event_file:open_event_file, MY_EVENTS_FILE.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from application.features.events.ports import Event, EventRejected


class EventFile:
    """A destination that appends each event to a file, one line per event."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def send(self, event: Event) -> None:
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{event.id} {event.type} {event.user_id}\n")
        except OSError as error:
            raise EventRejected(f"the file cannot be written: {error.strerror}") from error

    # The following methods are for the contract tests.

    def received(self) -> list[str]:
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        return [line.split()[0] for line in lines]

    def break_provider(self) -> None:
        self._file = self._file / "in a folder that is a file"

    def mend_provider(self) -> None:
        self._file = self._file.parent


@asynccontextmanager
async def open_event_file(*, environ: Mapping[str, str]) -> AsyncIterator[EventFile]:
    place = environ.get("DIALTONE_TEST_PLACE")
    yield EventFile(Path(place, "events") if place else Path(environ["MY_EVENTS_FILE"]))
