"""What became of a delivery: record it, and show it to the client."""

from dataclasses import dataclass

from application.otp.events import OtpDelivered, OtpUndelivered, ReportEvent
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
        """Record the status."""
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
