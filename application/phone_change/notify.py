"""Tell a number that it is no longer that of an account."""

from collections.abc import Collection
from dataclasses import dataclass

from application.costs.count_costs import CountCosts
from application.otp.codes import OtpCodes
from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryStatus, Messenger, PhoneVerifications, SmsTemplates
from application.ports.system import Clock
from domain.identities.phone_change import PhoneNotice
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyFormerNumber:
    """Send a message without a code to the number that an account had.

    Nothing is sent to a blocked number, to one with a test OTP, and to a country that is not
    served.
    """

    phone_verifications: PhoneVerifications
    messenger: Messenger
    templates: SmsTemplates
    codes: OtpCodes
    costs: CountCosts
    clock: Clock
    countries: Collection[str] | None
    sms_provider: str

    async def __call__(self, phone: PhoneNumber, notice: PhoneNotice, locale: str | None) -> bool:
        """Send the message, and return whether it needs no other attempt.

        Raises:
            StorageError
        """
        is_served = self.countries is None or phone.country in self.countries
        if not is_served or self.codes.is_test_phone(phone, self.clock.now()):
            return True
        if (await self.phone_verifications.load(phone)).value.blocked_at is not None:
            return True
        try:
            text = self.templates.render_notice(notice, country=phone.country, locale=locale)
        except MessengerUnavailable:  # a command has not opened the providers
            return False
        result = await self.messenger.send(phone, text)
        if result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN):
            provider = result.provider or self.sms_provider
            self.costs.count_message(phone.country, provider, text)
        return result.status not in (DeliveryStatus.NOT_CONNECTED, DeliveryStatus.REJECTED)
