"""A messenger from outside of the project, whose results a test sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.ports.messenger import DeliveryStatus
from tests.e2e.breakable_service import OWN_MESSENGER

OWN_FACTORY: Final = "own_messenger:open_messenger"
OWN_REASON: Final = "The line is down."


@dataclass(frozen=True, slots=True)
class OwnMessenger:
    """The module in the folder of the service, and its messages."""

    folder: Path

    def install(self) -> "OwnMessenger":
        """Write the module; it accepts all messages."""
        (self.folder / "own_messenger.py").write_text(OWN_MESSENGER)
        (self.folder / "messages").touch()
        self.set_status(DeliveryStatus.ACCEPTED)
        return self

    def set_status(self, status: DeliveryStatus) -> None:
        """Give all messages from now on this status."""
        (self.folder / "status").write_text(status)

    def inbox(self, phone: str) -> list[str]:
        """Return the messages to this phone number."""
        lines = (self.folder / "messages").read_text().splitlines()
        return [text for to, _, text in (line.partition(" ") for line in lines) if to == phone]
