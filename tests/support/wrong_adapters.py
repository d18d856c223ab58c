"""Adapters that break one promise each: the contract tests have to find it.

Their provider is a list in memory. WRONG_ADAPTER names the class that a factory yields.
"""

import asyncio
import hmac
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from adapters.databases.records.database import Database
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_kind import EXPIRES_AT, Fields
from adapters.databases.sqlite import open_sqlite_database
from adapters.media.disk.files import DiskFiles
from application.ports.errors import MessengerUnavailable, StorageTimeout, StorageUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus, NoticeMessage, TextMessage
from application.ports.webhooks import (
    MAX_SIGNATURE_AGE,
    MessageStatus,
    SignatureCoverage,
    SignedRequest,
)
from domain.otp.delivery_report import ReportedStatus
from domain.otp.rate_limits import Acquisition, Reservation
from domain.phone import PhoneNumber
from tests.contract.examples.memory_database import InMemoryLimits
from tests.support.shipped_adapters import open_disk

ACCEPTED: Final = DeliveryResult(DeliveryStatus.ACCEPTED)
UNKNOWN: Final = DeliveryResult(DeliveryStatus.UNKNOWN, "The provider did not respond.")
_KEY: Final = b"key"
_KEPT: Final[list[object]] = []
_LIMITS: Final[dict[str, dict[str, Fields]]] = {}


class RightMessenger:
    """A messenger that keeps all promises. Its provider fails in the way that `failure` says."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.failure = ""

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        result: DeliveryResult = await self.deliver(phone, message.text)
        return result

    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        if self.failure == "unreachable":
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, "There is no connection.")
        self.messages.append((phone.e164, text.encode(errors="replace").decode()))
        if self.failure == "invalid number":
            return DeliveryResult(DeliveryStatus.INVALID_NUMBER, "No phone has this number.")
        return UNKNOWN if self.failure else ACCEPTED

    async def check(self) -> None:
        if self.failure:
            raise MessengerUnavailable("the provider does not respond")

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        signed_at, signature = (
            request.headers.get(name, "").encode() for name in ("signed-at", "signature")
        )
        if not hmac.compare_digest(signature, _sign(request.url, request.body, signed_at)):
            return None
        if abs(time.time() - float(signed_at)) > MAX_SIGNATURE_AGE.total_seconds():
            return None
        if request.body == b"undelivered":
            return [MessageStatus(ReportedStatus.UNDELIVERED)]
        references = request.body.decode(errors="replace").split()
        return [MessageStatus(ReportedStatus.DELIVERED, reference=it) for it in references]

    def answer_handshake(self, request: SignedRequest) -> str | None:
        token, _, challenge = request.url.partition("?token=")[2].partition("&challenge=")
        return challenge if hmac.compare_digest(token.encode(), _KEY) else None

    async def received(self) -> list[tuple[str, str]]:
        return self.messages

    def break_provider(self) -> None:
        self.failure = "unreachable"

    def hang_provider(self) -> None:
        self.failure = "no answer"

    drop_provider = hang_provider

    def fail_provider(self, status: int) -> None:
        self.failure = f"status {status}"

    def invalidate_number(self) -> None:
        self.failure = "invalid number"

    def mend_provider(self) -> None:
        self.failure = ""

    def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        body = b"reference" if body is None else body
        time_text = str(signed_at.timestamp())
        signature = _sign(url, body, time_text.encode()).decode()
        return SignedRequest(url, {"signed-at": time_text, "signature": signature}, body=body)

    def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        return self.sign_status(url, b"undelivered", signed_at)

    def sign_references(
        self, url: str, references: Sequence[str], signed_at: datetime
    ) -> list[SignedRequest]:
        return [self.sign_status(url, " ".join(references).encode(), signed_at)]

    def make_handshake(self, url: str, is_forged: bool) -> tuple[SignedRequest, str]:
        token = "guess" if is_forged else _KEY.decode()
        return SignedRequest(f"{url}?token={token}&challenge=1158201444", {}), "1158201444"


def _sign(url: str, body: bytes, signed_at: bytes) -> bytes:
    return hmac.digest(_KEY, b"\n".join([url.encode(), signed_at, body]), "sha256").hex().encode()


class BlockingSend(RightMessenger):
    def send(self, phone: PhoneNumber, message: TextMessage) -> Any:
        return ACCEPTED


class SwallowedErrors(RightMessenger):
    async def check(self) -> None:
        """Never fail."""


class SuccessForUnknown(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        await super().deliver(phone, text)
        return ACCEPTED


class EndlessRetries(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        while True:
            result = await super().deliver(phone, text)
            if result == ACCEPTED:
                return result
            await asyncio.sleep(0.1)  # before the next of all too many attempts


class StubbornRetries(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        _KEPT.append(asyncio.create_task(self._retry()))
        return None

    async def _retry(self) -> None:
        while True:
            with suppress(BaseException):  # as a bare `except` does
                await asyncio.sleep(0.1)  # before the next of all too many attempts


class ExceptionFromSend(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        if self.failure:
            raise ConnectionError(phone.e164)
        return await super().deliver(phone, text)


class RejectedInDoubt(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        return (
            DeliveryResult(DeliveryStatus.REJECTED, "It failed.") if result == UNKNOWN else result
        )


class RepeatedInDoubt(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        return await super().deliver(phone, text) if result == UNKNOWN else result


class NumberInDetails(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        return result if result == ACCEPTED else replace(result, details=f"to={phone.e164}")


class OpenBreaker(RightMessenger):
    failures = 0

    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        if self.failures > 3:
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, "It failed before.")
        result = await super().deliver(phone, text)
        self.failures += result != ACCEPTED
        return result


class LostNotices(RightMessenger):
    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        if isinstance(message, NoticeMessage):
            return ACCEPTED
        return await super().send(phone, message)


class NoResult(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        return True


class BlockedLoop(RightMessenger):
    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        for _ in range(100):  # a machine that stalls makes one of them longer, not all
            time.sleep(0.01)  # noqa: ASYNC251 -- as a client that is not asynchronous does
        return await super().send(phone, message)


class LeftOpen(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        listener = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listener.getsockname())
        thread = threading.Thread(target=threading.Event().wait, name="poller", daemon=True)
        thread.start()
        task = asyncio.create_task(asyncio.Event().wait(), name="poller")
        file = Path(__file__).open()  # noqa: ASYNC230, SIM115 -- it stays open
        _KEPT.extend([listener, client, thread, task, file])
        return await super().deliver(phone, text)


class InterruptedSend(LeftOpen):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        await super().deliver(phone, text)
        signal.raise_signal(signal.SIGINT)  # the event loop cancels what runs
        await asyncio.Event().wait()


class UnsignedStatus(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        return [MessageStatus(ReportedStatus.DELIVERED)] if request.body == b"reference" else None


class SignedBodyOnly(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        return super().read_statuses(SignedRequest("", request.headers, body=request.body))

    def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        signed = super().sign_status("", body, signed_at)
        return SignedRequest(url, signed.headers, body=signed.body)


class OldStatuses(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        signed_at = request.headers.get("signed-at", "").encode()
        expected = _sign(request.url, request.body, signed_at)
        is_signed = hmac.compare_digest(request.headers.get("signature", "").encode(), expected)
        return [MessageStatus(ReportedStatus.DELIVERED)] if is_signed else None


class UnsignedTime(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        signed_at = float(request.headers.get("signed-at", "0"))
        if abs(time.time() - signed_at) > MAX_SIGNATURE_AGE.total_seconds():
            return None
        expected = _sign(request.url, request.body, b"").decode()
        is_signed = request.headers.get("signature") == expected
        return [MessageStatus(ReportedStatus.DELIVERED)] if is_signed else None

    def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        signed = super().sign_status(url, body, signed_at)
        signature = _sign(url, signed.body, b"").decode()
        return replace(signed, headers={**signed.headers, "signature": signature})


class PartOfSignature(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        signed_at, signature = (
            request.headers.get(name, "").encode() for name in ("signed-at", "signature")
        )
        expected = _sign(request.url, request.body, signed_at)
        is_signed = signed_at and expected.startswith(signature)
        return [MessageStatus(ReportedStatus.DELIVERED)] if is_signed else None


class OneStatus(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        statuses = super().read_statuses(request)
        return None if statuses is None else statuses[:1]


class ReferenceInUrl(SignedBodyOnly):
    signature_coverage = SignatureCoverage(url=False)

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        statuses = super().read_statuses(request)
        reference = request.url.partition("?reference=")[2]
        return statuses and [MessageStatus(ReportedStatus.DELIVERED, reference=reference)]

    def sign_references(
        self, url: str, references: Sequence[str], signed_at: datetime
    ) -> list[SignedRequest]:
        return [self.sign_status(f"{url}?reference={it}", None, signed_at) for it in references]


class EchoedHandshake(RightMessenger):
    def answer_handshake(self, request: SignedRequest) -> str | None:
        return request.url.partition("challenge=")[2] or None


class CutText(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        return await super().deliver(phone, text[:160])


class AsciiText(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        return await super().deliver(phone, text.encode("ascii", "replace").decode())


class NothingUndelivered(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        statuses = super().read_statuses(request)
        return statuses and [
            replace(status, status=ReportedStatus.DELIVERED) for status in statuses
        ]


class CutReferences(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        statuses = super().read_statuses(request)
        return statuses and [
            replace(status, reference=status.reference[:36]) for status in statuses
        ]


class FailedReceived(RightMessenger):
    async def received(self) -> list[tuple[str, str]]:
        raise ValueError("it is wrong itself")


class RightLimits(InMemoryLimits):
    """Limits in memory, which can be closed and broken."""

    is_volatile = True

    def __init__(self, stored: dict[str, Fields]) -> None:
        super().__init__(self.check)
        self.stored = stored
        self.is_broken = False

    async def check(self) -> None:
        if self.is_broken:
            raise StorageUnavailable("the server does not respond")

    def break_provider(self) -> None:
        self.is_broken = True


class SwallowedLimitErrors(RightLimits):
    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        try:
            return await super().acquire(*reservations)
        except StorageUnavailable:
            return [Acquisition(one.acquired_at, one.limits) for one in reservations]


class OwnErrors(RightLimits):
    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        if self.is_broken:
            raise ConnectionError("the server does not respond")
        return await super().acquire(*reservations)


class RepeatedAcquisition(RightLimits):
    """Limits whose server does not answer, and whose client sends again what it sent."""

    _is_hanging = False

    def hang_provider(self) -> None:
        self._is_hanging = True

    def mend_provider(self) -> None:
        self._is_hanging = self.is_broken = False

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        for _ in range(3):
            result = await super().acquire(*reservations)
            if not self._is_hanging:
                return result
        raise StorageTimeout("the server does not respond")


class LostAfterARelease(RightLimits):
    """Limits that keep a record for one more second when some of its permits are given back."""

    async def release(self, acquisition: Acquisition) -> None:
        await super().release(acquisition)
        for limit in acquisition.limits:
            if record := self.stored.get(limit.record_id):
                expires_at = acquisition.acquired_at + timedelta(seconds=1)
                self.stored[limit.record_id] = {**record, EXPIRES_AT: expires_at}


class LostByAServerAfterARelease(RightLimits):
    """The same, on the clock of their server."""

    async def release(self, acquisition: Acquisition) -> None:
        await super().release(acquisition)
        for limit in acquisition.limits:
            asyncio.get_running_loop().call_later(1, self.stored.pop, limit.record_id, None)


class LostWithTheShortestWindow(RightLimits):
    """Limits whose server deletes a record when the first of its windows is over."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return 0

    def lifetimes(self) -> list[float]:
        return [60.0 for _ in self.stored]


class OwnFileErrors:
    """A media store that raises the errors of its client."""

    def __init__(self, files: DiskFiles) -> None:
        self._files = files
        self._is_broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    async def get_size(self, storage_key: str) -> int | None:
        if self._is_broken:
            raise OSError("the server does not respond")
        return await self._files.get_size(storage_key)

    def break_provider(self) -> None:
        self._is_broken = True


def _chosen(environ: Mapping[str, str]) -> Any:
    return globals()[environ["WRONG_ADAPTER"]]


@asynccontextmanager
async def open_messenger(*, environ: Mapping[str, str]) -> AsyncIterator[RightMessenger]:
    yield _chosen(environ)()


@asynccontextmanager
async def open_limits(*, environ: Mapping[str, str]) -> AsyncIterator[RightLimits]:
    place = environ["DIALTONE_TEST_PLACE"]
    limits: RightLimits = _chosen(environ)(_LIMITS.setdefault(place, {}))
    yield limits
    limits.is_broken = True


@asynccontextmanager
async def open_with_any_keys(
    *, environ: Mapping[str, str], phone_encryption: PhoneEncryption
) -> AsyncIterator[Database]:
    """Open SQLite with the keys that it was opened with first."""
    path = Path(environ["DIALTONE_TEST_PLACE"]) / "dialtone.db"
    async with open_sqlite_database(path, "any key") as database:
        yield database


@asynccontextmanager
async def open_files(*, environ: Mapping[str, str]) -> AsyncIterator[OwnFileErrors]:
    async with open_disk(environ=environ) as files:
        yield _chosen(environ)(files)
