from dataclasses import dataclass

from application.otp.delivery_timing import DeliveryTimingProfile
from application.ports.messenger import DeliveryResult, Messenger
from application.ports.otp_keys import OtpKeys
from application.ports.sms_templates import SmsTemplates
from domain.errors import Unavailable
from domain.otp.challenge import OtpCode
from domain.otp.delivery_policy import DeliveryDecision
from domain.otp.templates.preferences import MessagePreferences
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class DeliverOtp:
    """Hand the code of an ask over to a sender, in the text that fits the phone.

    To a blocked phone nothing is handed over; that goes, and takes as long, as it did of late.
    """

    otp_keys: OtpKeys
    templates: SmsTemplates
    messenger: Messenger
    recent: DeliveryTimingProfile

    async def __call__(
        self, phone: PhoneNumber, preferences: MessagePreferences, asked: DeliveryDecision
    ) -> DeliveryResult:
        """Raises Unavailable when the code's key is here no more."""
        pepper = self.otp_keys.find_key(asked.challenge.key_id)
        if pepper is None:
            raise Unavailable
        code = OtpCode(asked.challenge.derive_code(pepper, phone))
        lifetime = asked.challenge.expires_at - asked.delivery.sent_at
        text = self.templates.render(
            code, lifetime=lifetime, country=phone.country, preferences=preferences
        )
        if asked.should_deliver:
            return await self.recent.noting(phone.country, self.messenger.send(phone, text))
        return await self.recent.as_of_late(phone.country)
