from datetime import timedelta

from domain.sign_in.code import Code
from domain.sign_in.templates.preferences import MessagePreferences


class FakeSmsTemplates:
    """Renders the code, and then the other arguments."""

    def render(
        self, code: Code, *, lifetime: timedelta, country: str, preferences: MessagePreferences
    ) -> str:
        platform, locale = preferences.platform, preferences.locale
        return f"{code.digits} {country} {platform} {locale} {preferences.app_hash} {lifetime}"
