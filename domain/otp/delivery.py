"""A delivery: one message with a code, and the request that caused it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.otp.challenge import Challenge
from domain.otp.client_ip import HashedClientIp

ATTEMPTS_PER_DELIVERY: Final = 5
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OtpRequest:
    """A request for a code from `client_ip`. The new ids are used if it causes a delivery."""

    client_ip: HashedClientIp
    now: datetime
    new_challenge: Challenge
    new_request_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message with the code of a challenge, and the attempts that it brings.

    It is recorded before the message is sent and removed when every provider rejects it, so a
    recorded delivery was accepted or its result is unknown. `request_id` identifies the request
    for later attempts, `client_ip` sent the request, and `uses_trusted_ip_quota` says which
    limit it counts against.
    """

    request_id: str
    challenge_id: str
    client_ip: HashedClientIp
    sent_at: datetime
    uses_trusted_ip_quota: bool = False
    attempts_used: int = 0

    @property
    def attempts_left(self) -> int:
        """How many more attempts may name this delivery's request."""
        return ATTEMPTS_PER_DELIVERY - self.attempts_used

    def count_attempt(self) -> "Delivery":
        """Return the delivery with one attempt more."""
        return replace(self, attempts_used=self.attempts_used + 1)

    def reset_attempts(self) -> "Delivery":
        """Return the delivery after a correct code: no attempt counts."""
        return replace(self, attempts_used=0)
