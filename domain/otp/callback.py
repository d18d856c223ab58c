"""A callback: a call to a phone with a code, because somebody asked for it by calling."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.otp.challenge import Challenge
from domain.otp.delivery import AttemptCounter
from domain.otp.permits import Permits
from domain.otp.sliding_window import SlidingWindow

CALLBACKS_PER_PHONE: Final = (
    SlidingWindow(2, timedelta(hours=1)),
    SlidingWindow(3, timedelta(days=1)),
)
"""How often a phone is called back, whoever asks. There is no cooldown.

Each callback brings five attempts more: with those of the messages, at most 100 a day.
"""


@dataclass(frozen=True, slots=True)
class Callback:
    """A call with the code of a challenge of its own, and with attempts of its own.

    A caller id is a claim, so anybody can cause a callback. It uses up nothing of the app's
    deliveries and attempts.

    Attributes:
        challenge: Its code is read in the call and accepted without a request id.
        requested_at: When the caller asked for it.
        call_id: The call that reads the code.
        counter: The attempts without a request id, of all clients together.
        permits: What it holds of the limits of callbacks, unless the provider rejected it.
    """

    challenge: Challenge
    requested_at: datetime
    call_id: str
    counter: AttemptCounter
    permits: Permits | None = None

    @property
    def challenge_id(self) -> str:
        """The id of its challenge."""
        return self.challenge.id

    def is_open(self, now: datetime) -> bool:
        """Return whether an attempt without a request id is compared with its code."""
        return self.challenge.is_active(now) and self.counter.left > 0

    def count(self, digest: str, now: datetime) -> "Callback":
        """Return the callback with one attempt more."""
        return replace(self, counter=self.counter.count(digest, now))

    def prune(self, now: datetime) -> "Callback":
        """Return the callback, without its attempts if its code expired."""
        is_expired = self.challenge.expires_at <= now
        return replace(self, counter=self.counter.reset()) if is_expired else self
