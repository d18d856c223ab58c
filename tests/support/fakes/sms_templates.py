from datetime import timedelta

from domain.otp.challenge import OtpCode
from domain.otp.message_preferences import MessagePreferences


class FakeSmsTemplates:
    """Renders the code, and then the other arguments."""

    def render(
        self, code: OtpCode, *, lifetime: timedelta, country: str, preferences: MessagePreferences
    ) -> str:
        platform, locale = preferences.platform, preferences.locale
        return f"{code.digits} {country} {platform} {locale} {preferences.app_hash} {lifetime}"
