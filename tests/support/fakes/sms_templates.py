from datetime import timedelta

from application.ports.otp import CodeMessage, NoticeMessage
from domain.identities.phone_change import PhoneNotice
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.messages import MessagePreferences, normalize_locale


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
    ) -> CodeMessage:
        platform, locale = preferences.platform, preferences.locale
        text = f"{code.digits} {country} {platform} {locale} {preferences.app_hash} {lifetime}"
        return CodeMessage(
            text=text if purpose is Purpose.SIGN_IN else f"{text} {purpose}",
            locale="en",
            requested_locale=normalize_locale(locale),
            code=code.digits,
            purpose=purpose,
            lifetime=lifetime,
        )

    def render_notice(self, notice: PhoneNotice, *, country: str) -> NoticeMessage:
        return NoticeMessage(text=f"{notice} {country}", locale="en", notice=notice.value)
