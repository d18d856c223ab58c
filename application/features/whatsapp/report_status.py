"""What the provider of WhatsApp reports of a code."""

from dataclasses import dataclass
from typing import Final

from application.features.whatsapp.known_numbers import KnownNumbers
from application.features.whatsapp.send_code import claim_fallback
from application.otp.deliver_code import DeliverCode
from application.otp.delivery_status import ReportDelivery, ReportedDelivery
from application.otp.extensions import CodeDelivery
from application.otp_codes import OtpCodes
from application.ports.otp import DeliveryResult, DeliveryStatus, PhoneVerifications
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from application.update import change
from domain.features.whatsapp.whatsapp_delivery import WhatsAppDelivery
from domain.otp.challenge import Challenge
from domain.otp.delivery import Channel, Delivery
from domain.otp.delivery_report import ReportedStatus
from domain.otp.phone_verification import PhoneVerification

FAILED: Final = (ReportedStatus.FAILED, ReportedStatus.UNDELIVERED)
_REPORTED: Final = "The provider reported that the message failed."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWhatsApp:
    """Record what the provider reports of a message, and fall back if it failed.

    - The next channel gets the same code once for a delivery, whatever is repeated, in all
      instances: who wins the write of `fall_back` sends it.
    - It does so only while the code is active and unused, and has a minute left, and never after
      the message arrived or was read. A phone that was blocked meanwhile gets nothing.
    - Where the code was requested again, only the latest delivery falls back.
    - The delivery keeps its id, attempts and permits.
    - It goes on after the response to the provider, which would repeat its request.
    """

    deliveries: ExpiringRecords[WhatsAppDelivery]
    numbers: KnownNumbers
    report_delivery: ReportDelivery
    deliver_code: DeliverCode
    phone_verifications: PhoneVerifications
    codes: OtpCodes
    clock: Clock

    async def __call__(
        self,
        report_id: str,
        status: ReportedStatus,
        delivery: ReportedDelivery,
        error_code: str | None = None,
    ) -> None:
        """Record the status; see `ReportDelivery`.

        Raises:
            StorageError
            CorruptRecord
        """
        if status is ReportedStatus.DELIVERED:
            await self._keep_arrival(report_id)
        elif status in FAILED:
            await self._fall_back(report_id, delivery, error_code or "")
        await self.report_delivery(report_id, status, delivery, error_code)

    async def _keep_arrival(self, report_id: str) -> None:
        now = self.clock.now()

        def deliver(
            found: WhatsAppDelivery | None,
        ) -> tuple[WhatsAppDelivery | None, WhatsAppDelivery | None]:
            return (found.deliver(now), found) if found else (None, None)

        former = await change(self.deliveries, report_id, deliver)
        if former is not None and former.fell_back_at is not None:
            # A failure of one device came before the arrival at another.
            await self.numbers.forget(former.phone)

    async def _fall_back(self, report_id: str, reported: ReportedDelivery, error_code: str) -> None:
        loaded = await self.deliveries.load(report_id)
        if loaded is None or loaded.value.delivered_at is not None:
            return
        record, now = loaded.value, self.clock.now()
        verification = (await self.phone_verifications.load(record.phone)).value
        code = _find_code(record, verification)
        if code is not None and code.challenge.used_at is not None:
            return  # the code arrived nevertheless
        if reported.is_unreachable:
            await self.numbers.remember(record.phone)
        if code is None or verification.blocked_at is not None or not record.next_channels:
            return
        if not code.challenge.is_resendable(now, self.codes.key_ids()):
            return
        if code.delivery != _find_latest(code.challenge, verification):
            return
        if not await claim_fallback(self.deliveries, report_id, self.clock):
            return
        is_unreachable = reported.is_unreachable
        failed = DeliveryResult(
            DeliveryStatus.INVALID_NUMBER if is_unreachable else DeliveryStatus.REJECTED,
            _REPORTED,
            provider=reported.provider,
            error_code=error_code,
        )
        falling_back = self.deliver_code.fall_back(
            code, failed, record.next_channels, is_reported=True
        )
        self.deliver_code.start(falling_back)


def _find_latest(challenge: Challenge, verification: PhoneVerification) -> Delivery:
    """Return the latest delivery of a code."""
    return [each for each in verification.deliveries.all if each.challenge_id == challenge.id][-1]


def _find_code(record: WhatsAppDelivery, verification: PhoneVerification) -> CodeDelivery | None:
    """Return the delivery with its code; None if nothing is known of it any more."""
    for delivery in verification.deliveries.all:
        challenge = verification.challenges.find(delivery.challenge_id)
        if challenge and delivery.report_id_by(Channel.WHATSAPP) == record.id:
            return CodeDelivery(record.phone, record.preferences, delivery, challenge)
    return None
