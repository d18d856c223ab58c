"""A messenger that writes messages to a file, for example for a gateway that watches it.

Settings: DIALTONE_SMS=tests.contract.examples.file_messenger:open_file_messenger, MY_SMS_FILE and
MY_SMS_KEY.
"""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from application.ports.errors import ConfigurationError
from application.ports.otp import DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MAX_SIGNATURE_AGE, MessageStatus, SignedRequest
from domain.otp.delivery import ReportedStatus
from domain.phone import PhoneNumber

STATUSES = {
    "sent": ReportedStatus.SENT,
    "delivered": ReportedStatus.DELIVERED,
    "failed": ReportedStatus.FAILED,
}


class FileMessenger:
    """Append each message to a file as a line of JSON; its reader posts what became of it."""

    def __init__(self, file: Path, key: bytes) -> None:
        self._file = self._target = file
        self._key = key

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        line = {"to": phone.e164, "text": message.text, "status_url": message.status_url}
        try:
            await asyncio.to_thread(self._append, json.dumps(line))
        except OSError:
            return DeliveryResult(DeliveryStatus.REJECTED, "The file cannot be written.")
        return DeliveryResult(DeliveryStatus.ACCEPTED)

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        signed_at = request.headers.get("signed-at", "")
        signature = request.headers.get("signature", "").encode(errors="replace")
        if not hmac.compare_digest(self._sign(request.url, request.body, signed_at), signature):
            return None
        if abs(time.time() - int(signed_at)) > MAX_SIGNATURE_AGE.total_seconds():
            return None
        return [MessageStatus(STATUSES.get(request.body.decode(errors="replace")))]

    def _append(self, line: str) -> None:
        with self._target.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _sign(self, url: str, body: bytes, signed_at: str) -> bytes:
        signed = b"\n".join([url.encode(), body, signed_at.encode(errors="replace")])
        return hmac.digest(self._key, signed, "sha256").hex().encode()

    # The following methods are for the contract tests.

    def received(self) -> list[tuple[str, str, str]]:
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        messages = [json.loads(line) for line in lines]
        return [(message["to"], message["text"], message["status_url"]) for message in messages]

    def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        body = b"delivered" if body is None else body
        timestamp = str(int(signed_at.timestamp()))
        headers = {"signed-at": timestamp, "signature": self._sign(url, body, timestamp).decode()}
        return SignedRequest(url, headers, body=body)

    def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        return self.sign_status(url, b"failed", signed_at)

    def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        return self.sign_status(url, b"sent", signed_at)

    def provider_is(self, state: str) -> None:
        if state not in ("away", "well"):
            raise NotImplementedError  # a file does nothing else
        self._target = self._file if state == "well" else self._file / "no folder"


@asynccontextmanager
async def open_file_messenger(*, environ: Mapping[str, str]) -> AsyncIterator[FileMessenger]:
    for name in ("MY_SMS_FILE", "MY_SMS_KEY"):
        if name not in environ:
            raise ConfigurationError(
                f"{name} is not set: it is the file, or the key of its reader."
            )
    place = environ.get("DIALTONE_TEST_PLACE")
    file = Path(place, "messages") if place else Path(environ["MY_SMS_FILE"])
    yield FileMessenger(file, environ["MY_SMS_KEY"].encode())
