"""What became of a delivery: record it, and show it to the client."""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.otp.delivery_timing import MAX_DURATIONS, random_quantile
from application.otp.events import OtpDelivered, OtpUndelivered, ReportEvent
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from application.update import change
from application.webhook_urls import PhoneLabels
from domain.otp.delivery import ONE_DAY, Channel, Delivery, parse_report_id
from domain.otp.delivery_report import REPORT_TTL, DeliveryReport, ReportedStatus

SENT_IS_REPORTED_ID: Final = "sent-is-reported"
"""The id of the record that messages are reported as sent: no delivery has this id."""
_SENT_IS_REPORTED_TTL: Final = timedelta(days=30)
TYPICAL_DURATION: Final = timedelta(seconds=2)
"""From a delivery to the report that it was sent, until this process knows better."""
MAX_PENDING: Final = 1_000


class ReportTimingProfile:
    """How long after a delivery the provider reports that it was sent, in this process.

    It only imitates the reports of suppressed deliveries, and decides nothing.
    """

    def __init__(self, randomness: Randomness, *, is_sent_reported: bool = True) -> None:
        """Start with an empty profile.

        Args:
            randomness: Chooses the durations.
            is_sent_reported: Whether each message is reported as sent. If it is not known, the
                first report says so.
        """
        self._randomness = randomness
        self._is_sms_reported = is_sent_reported
        self._learned_at: datetime | None = None
        self._pending: dict[str, tuple[Channel, datetime]] = {}
        self._durations = {channel: deque[float](maxlen=MAX_DURATIONS) for channel in Channel}

    def start(self, delivery: Delivery, now: datetime) -> None:
        """Record that the delivery is handed to the provider."""
        self._pending[delivery.report_id] = (delivery.channel, now)
        if len(self._pending) > MAX_PENDING:
            del self._pending[next(iter(self._pending))]

    def is_reported(self, channel: Channel) -> bool:
        """Return whether deliveries are reported as sent, so that suppressed ones must be too."""
        return channel is Channel.VOICE or self._is_sms_reported or self._learned_at is not None

    def learn(self, now: datetime) -> bool:
        """Record that messages are reported as sent, and return whether others should know.

        The others are told once a day: an instance that starts later has seen no report yet.
        """
        learned_at = self._learned_at
        if self._is_sms_reported or (learned_at is not None and now - learned_at < ONE_DAY):
            return False
        self._learned_at = now
        return True

    def record(self, report_id: str, now: datetime) -> None:
        """Record that the provider reports the delivery as sent. The first report counts."""
        if pending := self._pending.pop(report_id, None):
            started_channel, started_at = pending
            self._durations[started_channel].append((now - started_at).total_seconds())

    def draw_duration(self, channel: Channel) -> timedelta:
        """Return a random duration between those of recent deliveries."""
        durations = self._durations[channel]
        if not durations:
            return TYPICAL_DURATION
        return timedelta(seconds=random_quantile(durations, self._randomness))


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
    - The end of a delivery is emitted once: whether it arrived.
    """

    delivery_reports: ExpiringRecords[DeliveryReport]
    timing: ReportTimingProfile
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
        now = self.clock.now()
        if status is ReportedStatus.SENT:
            self.timing.record(report_id, now)
            if delivery.channel is Channel.SMS and self.timing.learn(now):
                known = DeliveryReport(SENT_IS_REPORTED_ID, status, now + _SENT_IS_REPORTED_TTL)
                await change(self.delivery_reports, known.id, lambda _: (known, None))

        def advance(report: DeliveryReport | None) -> tuple[DeliveryReport | None, bool]:
            if report is not None:
                advanced = report.advance(status, error_code, delivery.reason)
                return advanced, advanced is not report
            if status is ReportedStatus.QUEUED:
                return None, False  # A delivery without a report is queued.
            expires_at = now + REPORT_TTL
            return DeliveryReport(report_id, status, expires_at, error_code, delivery.reason), True

        is_new = await change(self.delivery_reports, report_id, advance)
        if is_new and (event := _describe_end(status, delivery, error_code or "")):
            self.events.record(event)


async def load_report(
    reports: ExpiringRecords[DeliveryReport], delivery: Delivery
) -> DeliveryReport | None:
    """Load what a provider reported of a delivery, for operators.

    A report that becomes visible at a time is one that clients see instead. Of a suppressed
    delivery there is no other.
    """
    visible, hidden = await asyncio.gather(
        reports.load(delivery.report_id), reports.load(delivery.report_id_by(delivery.channel))
    )
    if visible is not None and (visible.value.visible_at is None or delivery.is_suppressed):
        return visible.value
    return hidden.value if hidden else None


@dataclass(frozen=True, slots=True)
class GetDeliveryStatus:
    """Show the client what became of the message or call that its request refers to.

    An unknown request id looks like that of a delivery that is queued.
    """

    delivery_reports: ExpiringRecords[DeliveryReport]
    clock: Clock

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
        return loaded.value.visible_status(self.clock.now()), loaded.value.error_code


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
