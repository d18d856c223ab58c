"""A destination of events that writes them to a file.

Settings: DIALTONE_EVENTS=tests.contract.examples.event_file:open_event_file, MY_EVENTS_FILE.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from application.features.events.send_events import Event, EventRejected


class EventFile:
    """A destination that appends each event to a file, one line per event."""

    def __init__(self, file: Path) -> None:
        self._file = self._target = file

    async def send(self, event: Event) -> None:
        try:
            with self._target.open("a", encoding="utf-8") as file:
                time = event.occurred_at.isoformat()
                fields = (event.id, event.type, time, event.user_id, event.phone or "")
                file.write(f"{' '.join(fields)}\n")
        except OSError as error:
            raise EventRejected(f"the file cannot be written: {error.strerror}") from error

    # The following methods are for the contract tests.

    def received(self) -> list[tuple[str, ...]]:
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        return [tuple(line.split(" ")) for line in lines]

    def provider_is(self, state: str) -> None:
        if state not in ("away", "well"):
            raise NotImplementedError  # a file does nothing else
        self._target = self._file if state == "well" else self._file / "no folder"


@asynccontextmanager
async def open_event_file(*, environ: Mapping[str, str]) -> AsyncIterator[EventFile]:
    place = environ.get("DIALTONE_TEST_PLACE")
    yield EventFile(Path(place, "events") if place else Path(environ["MY_EVENTS_FILE"]))
