"""Tell a number that it is no longer that of an account, or is now."""

from collections.abc import Collection
from dataclasses import dataclass

from application.costs.count_costs import CountCosts
from application.otp.codes import OtpCodes
from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryStatus, Messenger, PhoneVerifications, SmsTemplates
from application.ports.system import Clock, SecurityEvents, SecurityEventType
from domain.identities.phone_change import PhoneNotice
from domain.otp.delivery import Channel
from domain.otp.message_preferences import normalize_locale
from domain.otp.undo_code import UndoCode
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyNumber:
    """Send a message without a one-time code to a number that an account had or gets.

    Nothing is sent to a blocked number, to one with a test OTP, and to a country that is not
    served.
    """

    phone_verifications: PhoneVerifications
    messenger: Messenger
    templates: SmsTemplates
    codes: OtpCodes
    costs: CountCosts
    clock: Clock
    events: SecurityEvents
    countries: Collection[str] | None
    sms_provider: str

    async def __call__(
        self,
        phone: PhoneNumber,
        notice: PhoneNotice,
        locale: str | None,
        undo_code: UndoCode | None = None,
    ) -> bool:
        """Send the message, and return whether it needs no other attempt.

        Args:
            phone: The number that the account had.
            notice: What the message says.
            locale: The language of the message, if a client asked for one.
            undo_code: The code that undoes the change, if it can be undone.

        Raises:
            StorageError
        """
        is_served = self.countries is None or phone.country in self.countries
        if not is_served or self.codes.is_test_phone(phone, self.clock.now()):
            return True
        if (await self.phone_verifications.load(phone)).value.blocked_at is not None:
            return True
        try:
            text = self.templates.render_notice(
                notice, country=phone.country, locale=locale, undo_code=undo_code
            )
        except MessengerUnavailable:  # a command has not opened the providers
            return False
        result = await self.messenger.send(phone, text, "", normalize_locale(locale))
        is_sent = result.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN)
        provider = result.provider or self.sms_provider
        if is_sent:
            self.costs.count_message(phone.country, provider, text)
        self.events.emit(
            SecurityEventType.PHONE_NOTICE_SENT
            if is_sent
            else SecurityEventType.PHONE_NOTICE_REJECTED,
            phone=phone,
            reason=result.reason,
            channel=Channel.SMS,
            provider=provider,
            provider_message_id=result.provider_message_id,
            error_code=result.error_code,
            result=result.status.value,
        )
        return is_sent or result.status is DeliveryStatus.INVALID_NUMBER
