from dataclasses import dataclass

from application.ports.messenger import DeliveryResult, Messenger
from application.ports.peppers import Peppers
from application.ports.sms_templates import SmsTemplates
from application.sign_in.recent_handovers import RecentHandovers
from domain.errors import Unavailable
from domain.phone import PhoneNumber
from domain.sign_in.code import Code
from domain.sign_in.decisions import Asked
from domain.sign_in.templates.preferences import MessagePreferences


@dataclass(frozen=True, slots=True)
class SendCode:
    """Hand the code of an ask over to a sender, in the text that fits the phone.

    To a blocked phone nothing is handed over; that goes, and takes as long, as it did of late.
    """

    peppers: Peppers
    templates: SmsTemplates
    messenger: Messenger
    recent: RecentHandovers

    async def __call__(
        self, phone: PhoneNumber, preferences: MessagePreferences, asked: Asked
    ) -> DeliveryResult:
        """Raises Unavailable when the code's key is here no more."""
        pepper = self.peppers.key(asked.challenge.key_id)
        if pepper is None:
            raise Unavailable
        code = Code(asked.challenge.code(pepper, phone))
        lifetime = asked.challenge.expires - asked.send.at
        text = self.templates.render(
            code, lifetime=lifetime, country=phone.country, preferences=preferences
        )
        if asked.goes_out:
            return await self.recent.noting(phone.country, self.messenger.send(phone, text))
        return await self.recent.as_of_late(phone.country)
