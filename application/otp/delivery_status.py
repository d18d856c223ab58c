"""What became of a delivery: what providers report, and what the client sees."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from application.otp.events import OtpDelivered, OtpUndelivered, ReportEvent
from application.ports.keyed_hashes import KeyedHashes
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.ports.webhooks import (
    MAX_HANDSHAKE_LENGTH,
    MAX_STATUSES,
    Handshakes,
    MessageStatus,
    SignedRequest,
    StatusCallbacks,
    coverage_of,
)
from application.update import change
from application.webhook_urls import PhoneLabels, parse_phone_labels, parse_reference
from domain.otp.delivery import REPORT_TTL, Channel, DeliveryReport, ReportedStatus, parse_report_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedDelivery:
    """What the events of a report say of its delivery."""

    labels: PhoneLabels
    channel: Channel
    provider: str
    provider_message_id: str
    is_unreachable: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReportDelivery:
    """Record what the provider reports of a delivery.

    - A status only advances. A repeated or late report changes nothing, but that the error code of
      a failure is added where the first report had none.
    - A report may arrive before the provider has accepted the delivery.
    - The end of a message or call is emitted once: whether it arrived.
    - A message whose code the next channel has is not the end of the delivery: what is reported of
      it later changes nothing.
    """

    delivery_reports: ExpiringRecords[DeliveryReport]
    events: SecurityEvents
    clock: Clock

    async def __call__(
        self,
        report_id: str,
        status: ReportedStatus,
        delivery: ReportedDelivery,
        error_code: str | None = None,
        *,
        has_next: bool = False,
    ) -> None:
        channel, expires_at = delivery.channel, self.clock.now() + REPORT_TTL

        def advance(report: DeliveryReport | None) -> tuple[DeliveryReport | None, bool]:
            # A delivery without a report is queued.
            former = report or DeliveryReport(report_id, ReportedStatus.QUEUED, expires_at)
            advanced = (
                former.leave(channel)
                if has_next
                else former.advance(status, channel, error_code, delivery.reason)
            )
            is_end_known = former.status.is_final
            return (advanced, not is_end_known) if advanced != former else (report, False)

        is_new = await change(self.delivery_reports, report_id, advance)
        if is_new and (event := _describe_end(status, delivery, error_code or "")):
            self.events.record(event)


@dataclass(frozen=True, slots=True)
class GetDeliveryStatus:
    """Show the client what became of the message or call that its request refers to.

    An unknown request id looks like that of a delivery that is queued.
    """

    delivery_reports: ExpiringRecords[DeliveryReport]

    async def __call__(self, request_id: str) -> tuple[ReportedStatus, str | None]:
        """Return the status, and the provider's code if the delivery failed."""
        report_id = parse_report_id(request_id)
        loaded = await self.delivery_reports.load(report_id) if report_id else None
        if loaded is None:
            return ReportedStatus.QUEUED, None
        return loaded.value.status, loaded.value.error_code


def _describe_end(
    status: ReportedStatus, delivery: ReportedDelivery, error_code: str
) -> ReportEvent | None:
    labels = delivery.labels
    match status:
        case ReportedStatus.QUEUED | ReportedStatus.SENT:
            return None
        case ReportedStatus.DELIVERED:
            return OtpDelivered(
                country=labels.country,
                phone_hash=labels.phone_hash,
                channel=delivery.channel,
                provider=delivery.provider,
                provider_message_id=delivery.provider_message_id,
                result=status,
            )
        case ReportedStatus.UNDELIVERED | ReportedStatus.FAILED:
            return OtpUndelivered(
                country=labels.country,
                phone_hash=labels.phone_hash,
                channel=delivery.channel,
                provider=delivery.provider,
                provider_message_id=delivery.provider_message_id,
                error_code=error_code,
                reason=delivery.reason,
                result=status,
            )


T = TypeVar("T")

_SHORT_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_MAX_REASON: Final = 200
_HANDSHAKE: Final = re.compile(rf"[ -~]{{1,{MAX_HANDSHAKE_LENGTH}}}")

_log = logging.getLogger(__name__)


class ReportsDelivery(Protocol):
    """Records what a provider reports of a delivery, such as `ReportDelivery`."""

    async def __call__(
        self,
        report_id: str,
        status: ReportedStatus,
        delivery: ReportedDelivery,
        error_code: str | None = None,
    ) -> None:
        """Record the status.

        Raises:
            StorageError
            CorruptRecord
        """
        ...


@dataclass(frozen=True, slots=True)
class RecordMessageStatus:
    """Record what the providers report of messages.

    - A request is authentic if one provider recognizes it. It may report several messages, or none.
    - A status has a reference, or the URL names its message. Where the signature does not cover
      the URL, only a reference counts. A status that names no message is dropped.
    - An error code that is not a short word is left out: clients see it.
    """

    status_callbacks: Mapping[str, StatusCallbacks]
    report_delivery: ReportsDelivery
    keyed_hashes: KeyedHashes
    channel: Channel = Channel.SMS

    async def __call__(self, request: SignedRequest, parameters: Mapping[str, str]) -> bool:
        """Record the statuses, and return whether the request is authentic."""
        for provider, callbacks in self.status_callbacks.items():
            statuses = _ask(provider, callbacks.read_statuses, request, _are_statuses)
            if statuses is not None:
                of_url = parameters if coverage_of(callbacks).url else {}
                for message in statuses[:MAX_STATUSES]:
                    await self._record(provider, message, of_url)
                return True
        return False

    async def _record(
        self, provider: str, message: MessageStatus, parameters: Mapping[str, str]
    ) -> None:
        named = self._find_delivery(message, parameters)
        if named is None or message.status is None:
            return
        report_id, labels = named
        code, message_id = message.error_code, message.provider_message_id
        delivery = ReportedDelivery(
            labels=labels,
            channel=self.channel,
            provider=provider,
            is_unreachable=message.is_unreachable,
            provider_message_id=message_id if _SHORT_WORD.fullmatch(message_id) else "",
            reason=message.reason[:_MAX_REASON],
        )
        short_code = code if _SHORT_WORD.fullmatch(code) else None
        await self.report_delivery(report_id, message.status, delivery, short_code)

    def _find_delivery(
        self, message: MessageStatus, parameters: Mapping[str, str]
    ) -> tuple[str, PhoneLabels] | None:
        if message.reference:
            return parse_reference(self.keyed_hashes, message.reference)
        report_id = parameters.get("delivery")
        return (report_id, parse_phone_labels(parameters)) if report_id else None


@dataclass(frozen=True, slots=True)
class AnswerHandshake:
    """Answer the provider that checks who owns the URL for statuses."""

    handshakes: Mapping[str, Handshakes]

    def __call__(self, request: SignedRequest) -> str | None:
        """Return the text that the provider expects, None if no provider recognizes the request."""
        answers = (
            _ask(provider, messenger.answer_handshake, request, _is_text)
            for provider, messenger in self.handshakes.items()
        )
        answer = next((answer for answer in answers if answer is not None), None)
        return answer if answer and _HANDSHAKE.fullmatch(answer) else None


def _ask(
    provider: str,
    method: Callable[[SignedRequest], T | None],
    request: SignedRequest,
    is_expected: Callable[[object], bool],
) -> T | None:
    """Return what a messenger makes of a request; None if it fails.

    So the request still reaches the messengers after it.
    """
    try:
        result = method(request)
        if result is not None and not is_expected(result):
            raise TypeError(f"{method.__name__} returned something else than its port says")
    # Whatever an operator's adapter raises.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        _log.error({"event": "message_callback_failed", "provider": provider}, exc_info=error)
        return None
    return result


def _are_statuses(result: object) -> bool:
    return isinstance(result, Sequence) and all(map(_is_status, result))


def _is_status(message: object) -> bool:
    if not isinstance(message, MessageStatus):
        return False
    texts = (message.error_code, message.provider_message_id, message.reference, message.reason)
    has_status = message.status is None or isinstance(message.status, ReportedStatus)
    has_flag = isinstance(message.is_unreachable, bool)
    return has_status and has_flag and all(map(_is_text, texts))


def _is_text(result: object) -> bool:
    return isinstance(result, str)
