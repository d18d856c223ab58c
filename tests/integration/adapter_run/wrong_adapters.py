"""Adapters that break one promise each: the contract tests have to find it.

Their provider is in memory. WRONG_ADAPTER names the class that the factory yields.
"""

import asyncio
import hmac
import html
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from types import SimpleNamespace
from typing import Any, BinaryIO, Final, TypeVar

import msgspec

from adapters.databases.records.limits import acquire, record_ids
from adapters.databases.records.record_kind import EXPIRES_AT, Fields, Record, RecordKind
from adapters.databases.records.record_store import StoredRecord
from application.features.media.ports import MediaUrl, url_expiry
from application.ports.errors import MessengerUnavailable, StorageTimeout, StorageUnavailable
from application.ports.limits import LimitStore
from application.ports.otp import CodeMessage, DeliveryResult, DeliveryStatus, TextMessage
from application.ports.webhooks import MAX_SIGNATURE_AGE, MessageStatus, SignedRequest
from domain.otp.delivery import ReportedStatus
from domain.otp.rate_limits import RateLimit
from domain.phone import PhoneNumber
from tests.contract.examples.memory_database import InMemoryLimits, InMemoryRecords
from tests.contract.suites.media import test_media_files as media_files
from tests.contract.suites.messages import test_messenger as messenger
from tests.contract.suites.messages import test_status_callbacks as callbacks
from tests.contract.suites.provider_driver import HANGS
from tests.contract.suites.storage import test_limit_store as limit_store
from tests.contract.suites.storage import test_record_indexes as record_indexes
from tests.contract.suites.storage import test_record_store as record_store
from tests.contract.suites.storage import test_storage_errors as storage_errors
from tests.contract.suites.storage import test_unanswered_permits as unanswered
from tests.support.fakes.failing_provider import FailingProvider
from tests.support.fakes.media_files import InMemoryFiles

T = TypeVar("T")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class BrokenPromise:
    """What an adapter does not keep, and the words of the suite for it."""

    adapter: type
    promise: Callable[..., Any]
    words: str


BROKEN_PROMISES: Final[list[BrokenPromise]] = []


def breaks(
    promise: Callable[..., Any], words: str, **arguments: object
) -> Callable[[type[T]], type[T]]:
    """Say which promise of a suite an adapter breaks; the words are a regular expression."""

    def add(adapter: type[T]) -> type[T]:
        broken = partial(promise, **arguments) if arguments else promise
        BROKEN_PROMISES.append(BrokenPromise(adapter, broken, words))
        return adapter

    return add


ACCEPTED: Final = DeliveryResult(DeliveryStatus.ACCEPTED)
UNKNOWN: Final = DeliveryResult(DeliveryStatus.UNKNOWN, "The provider did not respond.")
NOT_SENT: Final = (
    messenger.test_without_a_provider_nothing_is_sent_and_afterwards_only_new_messages_are
)
IN_DOUBT: Final = messenger.test_a_message_without_an_answer_is_unknown_and_not_sent_again
OWN_URL: Final = messenger.test_each_message_has_the_url_for_its_own_status
WHOLE: Final = messenger.test_a_text_is_delivered_whole_or_rejected
SIGNED_ONLY: Final = callbacks.test_a_status_callback_counts_with_its_signature_only
REFERENCE_OF_EACH: Final = (
    callbacks.test_the_statuses_of_several_messages_have_the_reference_of_each
)
_KEY: Final = b"key"


class RightMessenger(FailingProvider):
    """A messenger that keeps all promises."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, str]] = []
        self.status_url = ""

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        self.status_url = message.status_url
        result: DeliveryResult = await self.deliver(phone, message.text)
        return result

    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        if self.failure == "unreachable":
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, "There is no connection.")
        if self.failure == "refused account":
            return DeliveryResult(DeliveryStatus.UNAVAILABLE, "The account is not paid.")
        sent_text = text.encode(errors="replace").decode()
        self.messages.append((phone.e164, sent_text, self.status_url))
        if self.failure == "invalid number":
            return DeliveryResult(DeliveryStatus.INVALID_NUMBER, "No phone has this number.")
        if self.failure == "rejected message":
            return DeliveryResult(DeliveryStatus.REJECTED, "The text is not allowed.")
        return UNKNOWN if self.failure else ACCEPTED

    async def check(self) -> None:
        if self.failure:
            raise MessengerUnavailable("the provider does not respond")

    def reject_message(self) -> None:
        self.failure = "rejected message"

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        signed_at, signature = (
            request.headers.get(name, "").encode() for name in ("signed-at", "signature")
        )
        if not hmac.compare_digest(signature, _sign(request.url, request.body, signed_at)):
            return None
        if abs(time.time() - float(signed_at)) > MAX_SIGNATURE_AGE.total_seconds():
            return None
        if request.body in (b"undelivered", b"sent"):
            return [MessageStatus(ReportedStatus(request.body.decode()))]
        references = request.body.decode(errors="replace").split()
        return [MessageStatus(ReportedStatus.DELIVERED, reference=it) for it in references]

    def answer_handshake(self, request: SignedRequest) -> str | None:
        token, _, challenge = request.url.partition("?token=")[2].partition("&challenge=")
        return challenge if hmac.compare_digest(token.encode(), _KEY) else None

    async def received(self) -> list[tuple[str, str, str]]:
        return self.messages

    def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        body = b"reference" if body is None else body
        time_text = str(signed_at.timestamp())
        signature = _sign(url, body, time_text.encode()).decode()
        return SignedRequest(url, {"signed-at": time_text, "signature": signature}, body=body)

    def sign_undelivered(self, url: str, signed_at: datetime) -> SignedRequest:
        return self.sign_status(url, b"undelivered", signed_at)

    def sign_sent(self, url: str, signed_at: datetime) -> SignedRequest:
        return self.sign_status(url, b"sent", signed_at)

    def sign_references(
        self, url: str, references: Sequence[str], signed_at: datetime
    ) -> list[SignedRequest]:
        return [self.sign_status(url, " ".join(references).encode(), signed_at)]

    def make_handshake(self, url: str, is_forged: bool) -> tuple[SignedRequest, str]:
        token = "guess" if is_forged else _KEY.decode()
        return SignedRequest(f"{url}?token={token}&challenge=1158201444", {}), "1158201444"


def _sign(url: str, body: bytes, signed_at: bytes) -> bytes:
    return hmac.digest(_KEY, b"\n".join([url.encode(), signed_at, body]), "sha256").hex().encode()


@breaks(NOT_SENT, r"send returned Delivery")
class SuccessForUnknown(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        await super().deliver(phone, text)
        return ACCEPTED


@breaks(NOT_SENT, "send did not end within 0.1")
class EndlessRetries(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        while True:
            result = await super().deliver(phone, text)
            if result == ACCEPTED:
                return result
            await asyncio.sleep(0.1)  # before the next of all too many attempts


@breaks(NOT_SENT, "send raised ConnectionError. A failure")
class ExceptionFromSend(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        if self.failure:
            raise ConnectionError(phone.e164)
        return await super().deliver(phone, text)


@breaks(IN_DOUBT, "it may have been sent", failure=HANGS)
class RejectedInDoubt(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        return (
            DeliveryResult(DeliveryStatus.REJECTED, "It failed.") if result == UNKNOWN else result
        )


@breaks(IN_DOUBT, "got 2 messages by one call of send", failure=HANGS)
class RepeatedInDoubt(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        return await super().deliver(phone, text) if result == UNKNOWN else result


@breaks(NOT_SENT, r"details has \+")
class NumberInDetails(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        return result if result == ACCEPTED else replace(result, details=f"to={phone.e164}")


@breaks(NOT_SENT, r"send returned DeliveryResult\(st")
class OpenBreaker(RightMessenger):
    failures = 0

    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        if self.failures > 3:
            return DeliveryResult(DeliveryStatus.NOT_CONNECTED, "It failed before.")
        result = await super().deliver(phone, text)
        self.failures += result != ACCEPTED
        return result


@breaks(
    messenger.test_an_accepted_message_is_delivered_to_the_number,
    "send returned True. A failure is a De",
)
class NoResult(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        return True


@breaks(SIGNED_ONLY, "read_statuses accepted a callback w")
class UnsignedStatus(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        return [MessageStatus(ReportedStatus.DELIVERED)] if request.body == b"reference" else None


@breaks(
    callbacks.test_a_status_callback_counts_for_its_message_only,
    "read_statuses accepted a callback of",
)
class SignedBodyOnly(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        return super().read_statuses(SignedRequest("", request.headers, body=request.body))

    def sign_status(self, url: str, body: bytes | None, signed_at: datetime) -> SignedRequest:
        signed = super().sign_status("", body, signed_at)
        return SignedRequest(url, signed.headers, body=signed.body)


@breaks(callbacks.test_an_old_status_callback_is_not_authentic, "signed -6 minutes from now")
class OldStatuses(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        signed_at = request.headers.get("signed-at", "").encode()
        expected = _sign(request.url, request.body, signed_at)
        is_signed = hmac.compare_digest(request.headers.get("signature", "").encode(), expected)
        return [MessageStatus(ReportedStatus.DELIVERED)] if is_signed else None


@breaks(callbacks.test_a_status_callback_may_be_late, "rejected one of a minute ago")
class LocalSignatureTime(RightMessenger):
    """It compares the time of a signature with local time, as if that were UTC."""

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        signed_at = datetime.fromtimestamp(float(request.headers["signed-at"]), UTC)
        local_now = datetime.now().replace(tzinfo=UTC)  # noqa: DTZ005 -- that is wrong
        is_old = abs(local_now - signed_at) > MAX_SIGNATURE_AGE
        return None if is_old else super().read_statuses(request)


@breaks(REFERENCE_OF_EACH, "read_statuses returned {'abab")
class OneStatus(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        statuses = super().read_statuses(request)
        return None if statuses is None else statuses[:1]


@breaks(WHOLE, "was accepted, and .* was delivered", kind="in several parts")
@breaks(WHOLE, "was accepted, and .* was delivered", kind="in other scripts")
class ChangedText(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        return await super().deliver(phone, text[:160].encode("ascii", "replace").decode())


@breaks(messenger.test_an_accepted_message_is_delivered_to_the_number, "has_own_texts = True")
class OwnText(RightMessenger):
    """It does not declare that its texts are not ours."""

    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        return await super().deliver(phone, text.replace("is your Dialtone code", "signs you in"))


@breaks(WHOLE, "was accepted, and .* was delivered", kind="in several lines")
class OtherLineEnds(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        return await super().deliver(phone, text.replace("\n", "\r\n"))


@breaks(WHOLE, "was accepted, and .* was delivered", kind="with signs of other languages")
class EscapedText(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        return await super().deliver(phone, html.escape(text))


@breaks(OWN_URL, "A message with the status URL .* was sent with")
class FormerStatusUrl(RightMessenger):
    former = ""

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        changed = replace(message, status_url=self.former)
        self.former = message.status_url
        return await super().send(phone, changed)


@breaks(messenger.test_a_message_without_a_code_is_delivered_or_rejected, "none has its text")
class FormerText(RightMessenger):
    former = ""

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        self.former = message.text if isinstance(message, CodeMessage) else self.former
        return await super().send(phone, replace(message, text=self.former))


@breaks(
    messenger.test_an_account_that_is_refused_is_unavailable_and_no_invalid_number,
    "the provider refuses the account and not the number",
)
class EveryErrorAnInvalidNumber(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        return (
            result
            if result == ACCEPTED
            else DeliveryResult(DeliveryStatus.INVALID_NUMBER, "No phone has this number.")
        )


@breaks(
    messenger.test_an_invalid_number_has_a_reason_without_the_number,
    "got it 2 times by one send",
)
@breaks(
    messenger.test_a_message_that_the_provider_rejects_is_not_sent_again,
    "got it 2 times by one send",
)
class RepeatedRejection(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        return await super().deliver(phone, text) if result != ACCEPTED else result


@breaks(messenger.test_no_log_line_has_the_text_or_the_code, "the code, or the text")
class LoggedCode(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        logging.getLogger("dialtone.wrong").warning({"event": f"sending {text[:6]}"})
        return await super().deliver(phone, text)


@breaks(IN_DOUBT, "the code, or the text", failure=HANGS)
class LoggedText(RightMessenger):
    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        result = await super().deliver(phone, text)
        if result == UNKNOWN:
            logging.getLogger("dialtone.wrong").warning("no answer for %s", text)
        return result


@breaks(
    callbacks.test_a_message_that_is_on_its_way_has_no_final_status,
    "DELIVERED.* for a message that was sent",
)
class SentIsDelivered(RightMessenger):
    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        statuses = super().read_statuses(request)
        is_sent = bool(statuses) and request.body == b"sent"
        return [MessageStatus(ReportedStatus.DELIVERED)] if is_sent else statuses


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

    def provider_is(self, state: str) -> None:
        if state != "away":
            raise NotImplementedError
        self.is_broken = True


@breaks(
    storage_errors.test_each_operation_of_an_unusable_database_is_a_storage_error_in_time,
    "acquire raised ConnectionError,",
)
class OwnErrors(RightLimits):
    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        if self.is_broken:
            raise ConnectionError("the server does not respond")
        return await super().acquire(limits, now)


async def race(limits: LimitStore) -> None:
    """Let two calls race as two instances do, which have the same permits."""
    await limit_store.test_no_permit_that_two_instances_acquire_at_the_same_time_is_lost(
        limits, limits
    )


@breaks(race, "40 limits of 5 permits gave 280, of which 80 count: two instances read a record at")
class WithoutALock(RightLimits):
    """Limits that read, decide and write, while others do the same."""

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        records = self._read(record_ids(limits))
        await asyncio.sleep(0)
        available_at = acquire(limits, records, now)
        self._write(records)
        return available_at


@breaks(
    unanswered.test_a_call_that_is_not_answered_is_an_error_and_is_not_repeated,
    "acquire was sent again after it was not answered: one permit became 3",
    name="acquire",
    is_lost=False,
)
class RepeatedAcquisition(RightLimits):
    """Limits whose server does not answer, and whose client sends again what it sent."""

    _is_hanging = False

    def provider_is(self, state: str) -> None:
        self._is_hanging = state == "silent"

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        for _ in range(3):
            result = await super().acquire(limits, now)
            if not self._is_hanging:
                return result
        raise StorageTimeout("the server does not respond")


async def see_permits(limits: RightLimits) -> None:
    """Let another instance acquire and release permits."""
    other = RightLimits(limits.stored)
    await limit_store.test_what_another_instance_acquires_and_releases_counts_at_once(limits, other)


@breaks(see_permits, "next_available: it has to see at once what another instance wrote")
class RememberedTimes(RightLimits):
    """Limits that ask once when a permit is available, until they acquire one themselves."""

    def __init__(self, stored: dict[str, Fields]) -> None:
        super().__init__(stored)
        self._available: dict[tuple[RateLimit, ...], datetime] = {}

    async def next_available(self, limits: Sequence[RateLimit], now: datetime) -> datetime:
        key = tuple(limits)
        if key not in self._available:
            self._available[key] = await super().next_available(limits, now)
        return max(now, self._available[key])

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        self._available.clear()
        return await super().acquire(limits, now)


@breaks(see_permits, "acquire: it has to see at once what another instance wrote")
class RememberedRejections(RightLimits):
    """Limits that are full until the time which a rejection named, whoever releases permits."""

    def __init__(self, stored: dict[str, Fields]) -> None:
        super().__init__(stored)
        self._full: dict[tuple[RateLimit, ...], datetime] = {}

    async def acquire(self, limits: Sequence[RateLimit], now: datetime) -> datetime | None:
        available_at = self._full.get(tuple(limits), now)
        if available_at > now:
            return available_at
        rejected = await super().acquire(limits, now)
        if rejected:
            self._full[tuple(limits)] = rejected
        return rejected


@breaks(limit_store.test_a_release_keeps_all_other_permits, "a release ended other permits")
class LostAfterARelease(RightLimits):
    """Limits that keep a record for one more second when some of its permits are given back."""

    async def release(self, limits: Sequence[RateLimit], acquired_at: datetime) -> None:
        await super().release(limits, acquired_at)
        for limit in limits:
            if record := self.stored.get(limit.record_id):
                expires_at = acquired_at + timedelta(seconds=1)
                self.stored[limit.record_id] = {**record, EXPIRES_AT: expires_at}


@breaks(
    limit_store.test_a_store_whose_server_deletes_records_keeps_them_for_the_longest_window,
    "the server deletes a record after 60 seconds, whose longest window has 86400",
    is_together=True,
)
class LostWithTheShortestWindow(RightLimits):
    """Limits whose server deletes a record when the first of its windows is over."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        return 0

    def lifetimes(self) -> list[float]:
        return [60.0 for _ in self.stored]


class RightRecords(InMemoryRecords):
    """Records in memory."""

    def __init__(self) -> None:
        super().__init__(partial(asyncio.sleep, 0))


async def see_records(store: RightRecords) -> None:
    """Let another instance write."""
    other = RightRecords()
    other.tables = store.tables
    await record_store.test_a_write_is_visible_to_other_instances_at_once(other, store)


@breaks(see_records, "load: it has to see at once what another instance wrote: remember no answer")
class RememberedRecords(RightRecords):
    """Records that do not look again for one that was missing."""

    def __init__(self) -> None:
        super().__init__()
        self._missing: set[str] = set()

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        found = await super().load(kind, [one for one in record_ids if one not in self._missing])
        self._missing.update(set(record_ids) - found.keys())
        return found


async def replace_record(store: RightRecords) -> None:
    """Read a record while it is replaced."""
    await record_store.test_a_record_is_there_all_the_time_while_it_is_replaced(store, store)


@breaks(replace_record, "a record was missing while it was replaced: do not delete and add it")
class DeletedAndAdded(RightRecords):
    """Records that are deleted and added when they are replaced."""

    async def replace(self, *arguments: Any, **options: Any) -> bool:
        is_replaced: bool = await super().replace(*arguments, **options)
        row = self.tables[arguments[0].name].pop(arguments[1])
        await asyncio.sleep(0)
        self.tables[arguments[0].name][arguments[1]] = row
        return is_replaced


def to_local(time: datetime) -> datetime:
    """Return a time after it was written and read without a zone, as local time."""
    timestamp = time.replace(tzinfo=None).timestamp()
    return datetime.fromtimestamp(timestamp).replace(tzinfo=UTC)  # noqa: DTZ006 -- that is wrong


@breaks(record_store.test_times_are_exact_to_the_millisecond, "assert")
class LocalTimes(RightRecords):
    """Records whose times are stored without a zone, and read as local time."""

    async def add(self, kind: RecordKind[R], record_id: str, record: R, version: int, /) -> bool:
        if kind.expires:
            expires_at = to_local(getattr(record, EXPIRES_AT))
            record = msgspec.structs.replace(record, expires_at=expires_at)
        return await super().add(kind, record_id, record, version)


async def move_records(store: RightRecords) -> None:
    """Move the expiry of records while those that have expired are deleted."""
    await record_indexes.test_a_record_whose_expiry_is_moved_meanwhile_stays(store, store)


@breaks(move_records, "deleted a record whose expires_at was moved meanwhile")
class ListedAndDeleted(RightRecords):
    """Records that are listed when they have expired, and deleted by their ids."""

    async def delete_expired(self, kind: RecordKind[R], now: datetime, limit: int, /) -> int:
        by_expiry = kind.find_index(EXPIRES_AT)
        expired = await self.find(kind, by_expiry, until=now, limit=limit)
        await asyncio.sleep(0)
        deleted = [self.tables[kind.name].pop(stored.id, None) for stored in expired]
        return len(deleted) - deleted.count(None)


async def see_files(files: InMemoryFiles) -> None:
    """Let another instance write."""
    other = InMemoryFiles()
    other.contents = files.contents
    opened = cycle([files, other])
    store: Any = SimpleNamespace(open_files=lambda: nullcontext(next(opened)))
    await media_files.test_a_file_is_visible_to_other_instances_at_once_and_after_a_restart(store)


@breaks(see_files, "remember no answer, also not that a file is missing")
class RememberedFiles(InMemoryFiles):
    """Files that are not looked for again when one was missing."""

    def __init__(self) -> None:
        super().__init__()
        self._missing: set[str] = set()

    async def get_size(self, storage_key: str) -> int | None:
        if storage_key in self._missing:
            return None
        size = await super().get_size(storage_key)
        if size is None:
            self._missing.add(storage_key)
        return size


async def replace_file(files: InMemoryFiles) -> None:
    """Read a file while it is replaced."""
    store: Any = SimpleNamespace(open_files=lambda: nullcontext(files))
    await media_files.test_a_file_is_there_all_the_time_while_it_is_replaced(store, files)


@breaks(replace_file, "open_file: the file was missing while it was replaced: do not delete and wr")
class DeletedAndWritten(InMemoryFiles):
    """Files that are deleted before they are written again."""

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        await self.delete(storage_key)
        await asyncio.sleep(0)
        await super().write(storage_key, content, content_type)


async def keep_type(files: InMemoryFiles) -> None:
    """Write files of two types, which nothing serves."""

    async def content_type(storage_key: str) -> str:
        return files.content_types[storage_key]

    store: Any = SimpleNamespace(content_type=content_type)
    await media_files.test_a_file_keeps_its_content_type(store, files)


@breaks(media_files.test_the_url_is_the_same_whether_the_file_exists_or_not, "where now is in UTC")
class LocalDay(InMemoryFiles):
    """Files whose URLs expire two days after the local date."""

    async def url_for(self, storage_key: str) -> MediaUrl:
        local_now = datetime.now().replace(tzinfo=UTC)  # noqa: DTZ005 -- that is wrong
        return MediaUrl(f"https://files.example/{storage_key}", url_expiry(local_now))


@breaks(keep_type, "image/png is a 'image/jpeg'")
class OneType(InMemoryFiles):
    """Files that are all pictures of one type."""

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        await super().write(storage_key, content, "image/jpeg")


@breaks(
    media_files.test_a_file_is_independent_of_another_with_the_same_content,
    "after one with the same content was deleted",
)
class DeletedForAll(InMemoryFiles):
    """Files whose content is stored once, and deleted with the first of them."""

    async def delete(self, storage_key: str) -> None:
        content = self.contents.get(storage_key)
        for key in [key for key, other in self.contents.items() if other == content]:
            del self.contents[key]


@breaks(
    media_files.test_a_file_is_independent_of_another_with_the_same_content,
    "after one with the same content was replaced",
)
class ReplacedForAll(InMemoryFiles):
    """Files whose content is stored once, and deleted when the first of them is replaced."""

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        former = self.contents.pop(storage_key, None)
        await super().write(storage_key, content, content_type)
        if self.contents[storage_key] != former:
            for key in [key for key, other in self.contents.items() if other == former]:
                del self.contents[key]


class SlowStart(RightMessenger):
    """A right messenger whose first call in a process waits, as any does on a busy machine."""

    _waits = True

    async def deliver(self, phone: PhoneNumber, text: str) -> Any:
        if SlowStart._waits:
            SlowStart._waits = False
            time.sleep(0.5)  # noqa: ASYNC251 -- the event loop waits
        return await super().deliver(phone, text)


class CarelessMessenger(RightMessenger):
    """It blocks the event loop, leaves a task, and its helper and its end fail."""

    left_open: Final[list[object]] = []

    async def send(self, phone: PhoneNumber, message: TextMessage) -> DeliveryResult:
        time.sleep(1.5)  # noqa: ASYNC251 -- as a client that is not asynchronous does
        self.failure = phone.e164
        self.left_open.append(asyncio.create_task(asyncio.Event().wait(), name="poller"))
        return ACCEPTED

    async def received(self) -> Any:
        nothing: Any = None
        return len(nothing)

    def close(self) -> None:
        if self.failure:
            token = os.environ["GATEWAY_TOKEN"]
            raise ConnectionError(f"no login with {token} for {self.failure}")


@asynccontextmanager
async def open_messenger(*, environ: Mapping[str, str]) -> AsyncIterator[RightMessenger]:
    messenger = globals()[environ["WRONG_ADAPTER"]]()
    yield messenger
    if isinstance(messenger, CarelessMessenger):
        messenger.close()
