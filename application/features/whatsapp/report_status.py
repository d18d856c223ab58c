"""What the provider of WhatsApp reports of a code."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from application.features.whatsapp.known_numbers import KnownNumbers
from application.otp.deliver_code import TAKEN, DeliverCode
from application.otp.delivery_status import ReportDelivery, ReportedDelivery
from application.otp.extensions import CodeDelivery
from application.otp_codes import OtpCodes
from application.ports.otp import DeliveryResult, DeliveryStatus, PhoneVerifications
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.tasks import start_task
from domain.features.whatsapp.whatsapp_delivery import WhatsAppDelivery
from domain.otp.channel_order import Channels
from domain.otp.delivery import Channel
from domain.otp.delivery_report import ReportedStatus
from domain.otp.phone_verification import PhoneVerification

FAILED: Final = (ReportedStatus.FAILED, ReportedStatus.UNDELIVERED)
_REPORTED: Final = "The provider reported that the message failed."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWhatsApp:
    """Record what the provider reports of a message, and fall back if it failed.

    - The next channel gets the same code once for a delivery, whatever is repeated, in all
      instances: who wins the write of `DeliverCode.change_channel` sends it.
    - It does so only while the code is active and unused, and has a minute left, and never after
      the message arrived or was read. A number that gets no messages meanwhile gets none.
    - Where the code was requested again, only the latest delivery falls back.
    - The delivery keeps its id, attempts and permits. Its status is that of the next message.
    - It goes on after the response to the provider, which would repeat its request.
    """

    deliveries: ExpiringRecords[WhatsAppDelivery]
    numbers: KnownNumbers
    report_delivery: ReportDelivery
    deliver_code: DeliverCode
    phone_verifications: PhoneVerifications
    codes: OtpCodes
    clock: Clock
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(
        self,
        report_id: str,
        status: ReportedStatus,
        delivery: ReportedDelivery,
        error_code: str | None = None,
    ) -> None:
        loaded = await self.deliveries.load(report_id)
        record, code = loaded.value if loaded else None, None
        if record is not None and status is ReportedStatus.DELIVERED:
            # A failure of one device may have come before the arrival at another.
            await self.numbers.forget(record.phone)
        if record is not None and status in FAILED:
            code = await self._find_resendable(record, is_unreachable=delivery.is_unreachable)
        # Recorded first: nothing that is reported meanwhile is the end.
        has_next = code is not None
        await self.report_delivery(report_id, status, delivery, error_code, has_next=has_next)
        if record is not None and code is not None:
            await self._fall_back(code, record.next_channels, delivery, error_code or "")

    async def finish(self) -> None:
        """Wait until all messages that were begun have been sent."""
        while self._sending:
            await asyncio.wait([*self._sending])

    async def _find_resendable(
        self, record: WhatsAppDelivery, *, is_unreachable: bool
    ) -> CodeDelivery | None:
        """Return a failed delivery whose code the next channel gets, None where none does."""
        report = await self.report_delivery.delivery_reports.load(record.id)
        if report is not None and report.value.status.is_final:
            return None
        verification = (await self.phone_verifications.load(record.phone)).value
        code = _find_code(record, verification)
        if code is not None and code.challenge.used_at is not None:
            return None  # the code arrived nevertheless
        if is_unreachable:
            await self.numbers.remember(record.phone)
        if code is None or verification.gets_no_messages or not record.next_channels:
            return None
        if not code.challenge.is_resendable(self.clock.now(), self.codes.key_ids()):
            return None
        with_code = [
            delivery
            for delivery in verification.deliveries.all
            if delivery.challenge_id == code.challenge.id
        ]
        return code if code.delivery == with_code[-1] else None

    async def _fall_back(
        self, code: CodeDelivery, channels: Channels, reported: ReportedDelivery, error_code: str
    ) -> None:
        is_unreachable = reported.is_unreachable
        failed = DeliveryResult(
            DeliveryStatus.INVALID_NUMBER if is_unreachable else DeliveryStatus.REJECTED,
            _REPORTED,
            provider=reported.provider,
            error_code=error_code,
        )
        following = await self.deliver_code.change_channel(
            code, failed, channels[0], is_reported=True
        )
        if following is not None:
            sending = start_task("deliver_otp", self._deliver(following, channels[1:], reported))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _deliver(
        self, code: CodeDelivery, next_channels: Channels, reported: ReportedDelivery
    ) -> None:
        """Send the code by the next channel. Where nobody takes it, the client's status says so."""
        result = await self.deliver_code.deliver(code, next_channels)
        if result.status not in TAKEN:
            failed = ReportedDelivery(
                labels=reported.labels,
                channel=code.delivery.channel,
                provider=result.provider,
                provider_message_id="",
                reason=result.reason,
            )
            report_id = code.delivery.report_id
            await self.report_delivery(
                report_id, ReportedStatus.FAILED, failed, result.error_code or None
            )


def _find_code(record: WhatsAppDelivery, verification: PhoneVerification) -> CodeDelivery | None:
    """Return the delivery with its code; None if another channel has it, or nothing is known."""
    for delivery in verification.deliveries.all:
        challenge = verification.challenges.find(delivery.challenge_id)
        is_by_whatsapp = delivery.channel is Channel.WHATSAPP
        if challenge and is_by_whatsapp and delivery.report_id == record.id:
            return CodeDelivery(record.phone, record.preferences, delivery, challenge)
    return None
