"""Send a message without a one-time code."""

from collections.abc import Collection
from dataclasses import dataclass

from application.otp.deliver_code import TAKEN
from application.otp.events import PhoneNoticeRejected, PhoneNoticeSent
from application.otp_codes import OtpCodes
from application.ports.otp import DeliveryStatus, MessageProviders, PhoneVerifications, SmsTemplates
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from domain.identities.phone_change import PhoneNotice
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNotice:
    """Send a message without a one-time code to a number that an account had or has.

    - Nothing is sent to a number that gets no messages, to one with a test OTP, and to a country
      that is not served.
    - Neither limits nor a block of its prefix or country count here: a caller knows whether the
      owner has to hear of it.
    - Its language is that of the number's country, or the default one. The request may come from a
      thief, who would choose one that the owner does not read.
    """

    phone_verifications: PhoneVerifications
    messenger: MessageProviders
    templates: SmsTemplates
    codes: OtpCodes
    clock: Clock
    events: SecurityEvents
    countries: Collection[str] | None

    async def __call__(self, phone: PhoneNumber, notice: PhoneNotice) -> bool:
        """Send the message, and return whether it needs no other attempt."""
        now = self.clock.now()
        if not self.is_served(phone) or self.codes.is_test_phone(phone, now):
            return True
        if (await self.phone_verifications.load(phone)).value.gets_no_messages:
            return True
        message = self.templates.render_notice(notice, country=phone.country)
        result = await self.messenger.send(phone, message)
        is_sent = result.status in TAKEN
        if is_sent:
            self.events.record(
                PhoneNoticeSent(
                    phone=phone,
                    reason=result.full_reason,
                    channel=Channel.SMS,
                    provider=result.provider,
                    provider_message_id=result.provider_message_id,
                    error_code=result.error_code,
                    result=result.status,
                )
            )
        else:
            self.events.record(
                PhoneNoticeRejected(
                    phone=phone,
                    reason=result.full_reason,
                    channel=Channel.SMS,
                    provider=result.provider,
                    error_code=result.error_code,
                    result=result.status,
                )
            )
        return is_sent or result.status is DeliveryStatus.INVALID_NUMBER

    def is_served(self, phone: PhoneNumber) -> bool:
        """Return whether the operator sends messages to the country of a number."""
        return self.countries is None or phone.country in self.countries
