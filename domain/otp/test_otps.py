"""Test OTPs: phones with a fixed code, for reviewers of app stores."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.otp.challenge import OtpCode
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber

TEST_OTP_POLICY: Final = DeliveryPolicy(
    per_phone=(SlidingWindow(200, timedelta(days=1)),),
    per_phone_and_ip=(),
    cooldown=timedelta(0),
)
"""No cooldown. With 200 requests a day there are at most 1,000 attempts at a million codes."""


@dataclass(frozen=True, slots=True)
class TestOtp:
    """The fixed code of a phone, until `expires_at` if that is set."""

    __test__ = False  # pytest would collect it by its name

    phone: PhoneNumber
    code: OtpCode
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TestOtps:
    """All test OTPs. Nothing is delivered to their phones; other rules are the same.

    A code works once for each request, so that the limits hold for it too. Requests count for the
    IP of the client, not for the country.
    """

    __test__ = False

    otps: tuple[TestOtp, ...] = ()

    def includes(self, phone: PhoneNumber) -> bool:
        """Return whether the phone has a fixed code, or had one whose sessions may be active."""
        return any(otp.phone == phone for otp in self.otps)

    def find_code(self, phone: PhoneNumber, now: datetime) -> OtpCode | None:
        """Return the phone's fixed code, or None where it has none or it has expired."""
        for otp in self.otps:
            if otp.phone == phone and (otp.expires_at is None or now < otp.expires_at):
                return otp.code
        return None
