from datetime import timedelta

from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.message_preferences import MessagePreferences
from domain.otp.undo_code import UndoCode


class FakeSmsTemplates:
    """Renders the code, or the name of the notice, and then the other arguments.

    The name of a purpose comes last, and only if the purpose is not to sign in.
    """

    def render(
        self,
        code: OtpCode,
        *,
        lifetime: timedelta,
        country: str,
        preferences: MessagePreferences,
        purpose: Purpose = Purpose.SIGN_IN,
    ) -> str:
        platform, locale = preferences.platform, preferences.locale
        text = f"{code.digits} {country} {platform} {locale} {preferences.app_hash} {lifetime}"
        return text if purpose is Purpose.SIGN_IN else f"{text} {purpose}"

    def render_notice(
        self,
        notice: PhoneNotice,
        *,
        country: str,
        locale: str | None,
        undo_code: UndoCode | None = None,
    ) -> str:
        text = f"{notice} {country} {locale}"
        return f"{text} {undo_code.text}" if undo_code else text
