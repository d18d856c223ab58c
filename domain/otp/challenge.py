"""A challenge and the code that is derived from it."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber

OTP_LENGTH: Final = 6
OTP_TTL: Final = timedelta(minutes=5)
"""NIST SP 800-63B-4 and OWASP ASVS 5.0 6.5.5 allow ten minutes at the most."""
MIN_RESEND_TTL: Final = timedelta(minutes=1)
"""A resend with less than this left sends the code of a new challenge."""
NONCE_BYTES: Final = 16
CHALLENGE_ID_BYTES: Final = 12
"""An id is twice as many hex digits."""
MAX_ACTIVE_CHALLENGES: Final = 2
"""Of one phone: a new one takes over in the last minute of the one before."""


class Purpose(StrEnum):
    """What a right answer is good for; a code for one purpose is useless for another."""

    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A question that only who holds the phone can answer, once (ASVS 5.0 6.5.1).

    No code is stored: it is derived from this and from a key that is kept elsewhere.
    """

    id: str
    purpose: Purpose
    nonce: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime
    spent: bool = False

    def is_active(self, now: datetime) -> bool:
        """Whether a right answer would be taken now.

        One that was made later than now is not: where the clock stepped back it would live for
        longer than it may.
        """
        return not self.spent and self.created_at - CLOCK_SKEW <= now < self.expires_at

    def is_resendable(self, now: datetime) -> bool:
        """Whether its code lives long enough to be sent (again)."""
        return self.is_active(now) and self.expires_at - now >= MIN_RESEND_TTL

    def derive_code(self, pepper: bytes, phone: PhoneNumber) -> str:
        """Derive the six digits, as in RFC 4226 §5.3 from an HMAC.

        `pepper` is the secret key named by `key_id`. Each part of the message is preceded by
        its length, so that no two messages can be the same bytes.
        """
        parts = (self.purpose.encode(), self.id.encode(), phone.e164.encode(), self.nonce)
        message = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
        digest = hmac.digest(pepper, message, hashlib.sha256)
        return f"{int.from_bytes(digest[:8], 'big') % 10**OTP_LENGTH:0{OTP_LENGTH}d}"
