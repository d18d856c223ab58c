"""A messenger from outside of the project, whose results a test sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.ports.otp import DeliveryStatus

OWN_FACTORY: Final = "own_messenger:open_messenger"
_SOURCE: Final = """
from contextlib import asynccontextmanager
from pathlib import Path

from application.ports.otp import DeliveryResult, DeliveryStatus


class OwnMessenger:
    async def send(self, phone, message):
        status = Path("status").read_text()
        if status == "accepted":
            with Path("messages").open("a") as messages:
                messages.write(f"{phone.e164} {message.text}\\n")
        reason = "" if status == "accepted" else "The line is down."
        return DeliveryResult(DeliveryStatus(status), reason)


@asynccontextmanager
async def open_messenger(environ):
    yield OwnMessenger()
"""


@dataclass(frozen=True, slots=True)
class OwnMessenger:
    """The module in the folder of the service, and its messages."""

    folder: Path

    def install(self) -> "OwnMessenger":
        """Write the module; it accepts all messages."""
        (self.folder / "own_messenger.py").write_text(_SOURCE)
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
