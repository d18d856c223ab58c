"""The port that writes the messages with a code."""

from datetime import timedelta
from typing import Protocol

from domain.otp.challenge import OtpCode
from domain.otp.message_preferences import MessagePreferences


class SmsTemplates(Protocol):
    """Renders the message that carries a code."""

    def render(
        self, code: OtpCode, *, lifetime: timedelta, country: str, preferences: MessagePreferences
    ) -> str:
        """Render the message for a phone number of `country`.

        - The country's template wins over the requested language, and that over the default.
        - The message follows the rules of `domain.otp.templates`.
        - There is a message for all preferences; unknown ones are not an error.

        Args:
            code: The code to send.
            lifetime: For how long the code is still valid.
            country: The ISO 3166-1 code of the phone number's country.
            preferences: What the client asked for.
        """
        ...
