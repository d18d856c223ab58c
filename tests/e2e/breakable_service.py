"""A service with parts that a test can make unavailable."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from application.ports.messenger import DeliveryStatus
from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.service import Service, running


@dataclass(frozen=True, slots=True)
class BreakableService:
    """A service, and functions that make its parts unavailable."""

    service: Service
    break_database: Callable[[], None]
    break_media: Callable[[], None]
    reject_messages: Callable[[], None]


@contextmanager
def run_breakable_service(folder: Path) -> Iterator[BreakableService]:
    """Run it on SQLite and disk, whose files are removed, with a custom messenger."""
    messenger = OwnMessenger(folder).install()
    environ = {"DIALTONE_SMS": OWN_FACTORY, "DIALTONE_COUNTRIES": "*"}
    with running(folder, environ, messenger.inbox) as service:
        yield BreakableService(
            service,
            break_database=(folder / "dialtone.db").unlink,
            break_media=lambda: shutil.rmtree(folder / "media"),
            reject_messages=lambda: messenger.set_status(DeliveryStatus.REJECTED),
        )
