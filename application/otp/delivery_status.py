"""What became of a delivery: record it, and show it to the client."""

from contextlib import suppress
from dataclasses import dataclass, replace

from application.otp.events import OtpDelivered, OtpUndelivered, ReportEvent
from application.ports.errors import CorruptRecord, StorageError
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.update import change
from application.webhook_urls import PhoneLabels
from domain.otp.delivery import Channel, parse_report_id
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus


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

    - A status only advances. A repeated or late report changes nothing.
    - A report may arrive before the provider has accepted the delivery.
    - The end of a message or call is emitted once: whether it arrived.
    - One that left a channel has the status of the next one: what is reported of the message
      before changes nothing.
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
    ) -> None:
        """Record the status.

        Args:
            report_id: Names the delivery.
            status: What the provider reports.
            delivery: What is known of the delivery without its record.
            error_code: The provider's code of an error.

        Raises:
            StorageError
            CorruptRecord
        """
        channel, reason = delivery.channel, delivery.reason
        if await self.advance(report_id, status, channel, error_code, reason):
            self._record_end(status, delivery, error_code)

    async def advance(
        self,
        report_id: str,
        status: ReportedStatus,
        channel: Channel,
        error_code: str | None = None,
        reason: str = "",
    ) -> bool:
        """Record what became of a delivery by a channel, and return whether that is new.

        Raises:
            StorageError
            CorruptRecord
        """

        def advance(report: DeliveryReport | None) -> tuple[DeliveryReport | None, bool]:
            former = report or self._begin(report_id)
            advanced = former.advance(status, channel, error_code, reason)
            is_new = advanced is not former
            return (advanced, True) if is_new else (report, False)

        return await change(self.delivery_reports, report_id, advance)

    async def leave_channel(
        self, report_id: str, delivery: ReportedDelivery, error_code: str | None
    ) -> None:
        """Record that a message failed, and that the next channel has its code.

        A failure of the database is no error: then a later report of the message may count.
        """

        def leave(report: DeliveryReport | None) -> tuple[DeliveryReport, None]:
            return replace(report or self._begin(report_id), left=delivery.channel), None

        with suppress(StorageError, CorruptRecord):
            await change(self.delivery_reports, report_id, leave)
        self._record_end(ReportedStatus.FAILED, delivery, error_code)

    def _begin(self, report_id: str) -> DeliveryReport:
        """Return what a delivery without a report has."""
        return DeliveryReport(report_id, ReportedStatus.QUEUED, self.clock.now() + REPORT_TTL)

    def _record_end(
        self, status: ReportedStatus, delivery: ReportedDelivery, error_code: str | None
    ) -> None:
        if event := _describe_end(status, delivery, error_code or ""):
            self.events.record(event)


@dataclass(frozen=True, slots=True)
class GetDeliveryStatus:
    """Show the client what became of the message or call that its request refers to.

    An unknown request id looks like that of a delivery that is queued.
    """

    delivery_reports: ExpiringRecords[DeliveryReport]

    async def __call__(self, request_id: str) -> tuple[ReportedStatus, str | None]:
        """Return the status, and the provider's code if the delivery failed.

        Raises:
            StorageError
            CorruptRecord
        """
        report_id = parse_report_id(request_id)
        loaded = await self.delivery_reports.load(report_id) if report_id else None
        if loaded is None:
            return ReportedStatus.QUEUED, None
        return loaded.value.status, loaded.value.error_code


def _describe_end(
    status: ReportedStatus, delivery: ReportedDelivery, error_code: str
) -> ReportEvent | None:
    """Return the event of a status that is the end of a delivery."""
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
