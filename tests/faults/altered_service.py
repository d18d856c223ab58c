"""The service whose clock and whose end are in the hands of a test."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from tests.faults.altered import CLOCK, STEPS
from tests.support.service import Inbox, Service

PROJECT: Final = Path(__file__).parents[2]


class AlteredService(Service):
    """One that can be told by how much its clock is off, and at which step it is to die."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str] | None = None, inbox: Inbox | None = None
    ) -> None:
        super().__init__(
            folder,
            {"PYTHONPATH": str(PROJECT), **(environ or {})},
            inbox,
            program=(sys.executable, "-m", "tests.faults.altered"),
        )
        self.clock_off = timedelta()

    def set_clock_off(self, by: timedelta) -> None:
        """Have its clock step, at once, to this far from the right time."""
        self.clock_off = by
        written = self.folder / "clock.new"
        written.write_text(str(int(by.total_seconds())))
        written.replace(self.folder / CLOCK)

    def die_after(self, steps: int) -> None:
        """Have it killed after so many further calls to database, files and sender."""
        (self.folder / STEPS).write_text(str(steps))

    def live(self) -> None:
        """Have it killed no more."""
        (self.folder / STEPS).unlink(missing_ok=True)


@contextmanager
def altered(
    folder: Path, environ: Mapping[str, str] | None = None, inbox: Inbox | None = None
) -> Iterator[AlteredService]:
    """Such a service, which runs until the block ends."""
    service = AlteredService(folder, environ, inbox)
    service.start()
    try:
        yield service
    finally:
        service.kill()
