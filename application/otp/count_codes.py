"""Tell a feature which codes providers took, and which of them were entered."""

from dataclasses import dataclass

from application.otp.extensions import CountedCode, OtpExtensions
from application.ports.keyed_hashes import KeyedHashes
from domain.otp.attempts import UsedCode
from domain.otp.delivery import Delivery
from domain.otp.permits import Recognition
from domain.otp.rate_limits import ATTESTED
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCodes:
    """Count deliveries and the codes that were entered, by what both have in common.

    A code that was entered counts once: for the latest delivery that had it, and the channel and
    provider by which that was sent last. Each channel that took it counts it as sent.
    """

    extensions: OtpExtensions
    keyed_hashes: KeyedHashes

    def count_sent(self, phone: PhoneNumber, delivery: Delivery, provider: str = "") -> None:
        """Count a delivery that a provider took, or may have taken.

        Args:
            phone: The phone.
            delivery: The delivery, with its permits.
            provider: The name of the provider; empty if it is the one that was recorded.
        """
        self._count(phone, delivery, provider or delivery.provider, is_entered=False)

    def count_entered(self, phone: PhoneNumber, code: UsedCode) -> None:
        """Count a code that was entered. That of a call to a menu, or of a test phone, is none."""
        delivered = [delivery for delivery in code.deliveries if delivery.provider]
        if delivered:
            latest = delivered[-1]
            self._count(phone, latest, latest.provider, is_entered=True)

    def _count(
        self, phone: PhoneNumber, delivery: Delivery, provider: str, *, is_entered: bool
    ) -> None:
        permits = delivery.permits
        recognition = permits.recognition if permits else Recognition.NONE
        counted = CountedCode(
            country=phone.country,
            channel=delivery.channel,
            provider=provider,
            recognition=recognition,
            has_proof=permits is not None and any(part.part == ATTESTED for part in permits.parts),
            network=delivery.client_ip.network,
            number_range=self.keyed_hashes.hash_number_range(phone.number_range),
            fraction=self.keyed_hashes.fraction_of(delivery.request_id),
            sample=self.extensions.find_sample(phone, recognition, delivery.sent_at),
            sent_at=delivery.sent_at,
            is_entered=is_entered,
        )
        self.extensions.count_code(counted)
