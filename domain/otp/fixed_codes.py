"""Fixed codes of phones, for reviewers of app stores (`DIALTONE_TEST_OTPS`)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.otp.challenge import OtpCode
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber

FIXED_CODE_POLICY: Final = DeliveryPolicy(
    per_phone=(SlidingWindow(200, timedelta(days=1)),),
    per_phone_and_ip=(),
    cooldown=timedelta(0),
)
"""No cooldown. With 200 requests a day there are at most 1,000 attempts at a million codes."""


@dataclass(frozen=True, slots=True)
class FixedCode:
    """The fixed code of a phone, until `expires_at` if that is set."""

    phone: PhoneNumber
    code: OtpCode
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FixedCodes:
    """All fixed codes. Nothing is delivered to their phones; other rules are the same.

    A code works once for each request, so that the limits hold for it too. Requests count for the
    IP of the client, not for the country.
    """

    all: tuple[FixedCode, ...] = ()

    def includes(self, phone: PhoneNumber) -> bool:
        """Return whether the phone has a fixed code, or had one whose sessions may be active."""
        return any(code.phone == phone for code in self.all)

    def find_code(self, phone: PhoneNumber, now: datetime) -> OtpCode | None:
        """Return the phone's fixed code, or None where it has none or it has expired."""
        for fixed in self.all:
            if fixed.phone == phone and (fixed.expires_at is None or now < fixed.expires_at):
                return fixed.code
        return None
