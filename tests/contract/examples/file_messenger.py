"""A messenger that writes messages to a file, for example for a gateway that watches it.

Settings: DIALTONE_SMS=tests.contract.examples.file_messenger:open_file_messenger, MY_SMS_FILE.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from application.ports.errors import ConfigurationError
from application.ports.otp import DeliveryResult, DeliveryStatus, TextMessage
from domain.phone import PhoneNumber


class FileMessenger:
    """A messenger that appends each message to a file, one line per message."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        line = f"{phone.e164} {message.text!r}\n"
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError:
            return DeliveryResult(DeliveryStatus.REJECTED, "The file cannot be written.")
        return DeliveryResult(DeliveryStatus.ACCEPTED)


@asynccontextmanager
async def open_file_messenger(*, environ: Mapping[str, str]) -> AsyncIterator[FileMessenger]:
    if "MY_SMS_FILE" not in environ:
        raise ConfigurationError("MY_SMS_FILE is not set. Set it to the file for the messages.")
    yield FileMessenger(Path(environ["MY_SMS_FILE"]))
