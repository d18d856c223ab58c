"""Phones with a fixed code: what reviewers of app stores sign in with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.otp.code import OtpCode
from domain.otp.delivery import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber

TEST_OTP_POLICY: Final = DeliveryPolicy(
    per_phone=(SlidingWindow(200, timedelta(days=1)),),
    per_phone_and_ip=(),
    cooldown=timedelta(0),
)
"""No cool-down; the daily bound keeps the tries that asks bring at a thousand in a million."""


@dataclass(frozen=True, slots=True)
class TestOtp:
    """The code of a test number until its end date, or for as long as it is set."""

    phone: PhoneNumber
    code: OtpCode
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TestOtps:
    """All test numbers. Nothing is sent to them; else they are as any phone."""

    otps: tuple[TestOtp, ...] = ()

    def find_code(self, phone: PhoneNumber, now: datetime) -> OtpCode | None:
        """The phone's fixed code, or None when it has none (any more)."""
        for number in self.otps:
            if number.phone == phone and (number.expires_at is None or now < number.expires_at):
                return number.code
        return None
