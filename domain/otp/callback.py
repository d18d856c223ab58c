"""A callback: a call to a phone with a code, because somebody asked for it by calling."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.errors import TooManyOtpRequests
from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.challenge import Challenge
from domain.otp.sliding_window import SlidingWindow, whole_seconds


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A caller's request for a call with a code.

    - The new challenge is used if the code of the previous callback cannot be read again.
    - `is_limited` says that a limit of failed attempts that many phones share is used up.
    """

    now: datetime
    new_challenge: Challenge
    call_id: str
    is_limited: bool


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
    """

    challenge: Challenge
    requested_at: datetime
    call_id: str
    counter: AttemptCounter

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

    def expire_challenge(self) -> "Callback":
        """Return the callback after its code expired. It still counts as a callback."""
        expired = replace(self.challenge, expires_at=self.challenge.created_at)
        return replace(self, challenge=expired)


@dataclass(frozen=True, slots=True)
class CallbackPolicy:
    """How often a phone is called back, whoever asks. There is no cooldown.

    Each callback brings five attempts more: with those of the messages, at most 100 a day.
    """

    per_phone: tuple[SlidingWindow, ...] = (
        SlidingWindow(2, timedelta(hours=1)),
        SlidingWindow(3, timedelta(days=1)),
    )

    def decide(
        self, callbacks: Sequence[Callback], request: CallbackRequest, attempts: int
    ) -> Callback:
        """Return the callback that a request causes.

        It reads the code of the previous one, and does not extend its life. With less than a
        minute left it reads that of the new challenge.

        Args:
            callbacks: the callbacks of the phone, in their order.
            request: the request.
            attempts: how many attempts the callback brings.

        Raises:
            TooManyOtpRequests: with the time until the next callback.
        """
        now = request.now
        times = [callback.requested_at for callback in callbacks]
        available_at = max(window.next_available(times, now) for window in self.per_phone)
        if available_at > now:
            raise TooManyOtpRequests(whole_seconds(now, available_at))
        resendable = [one.challenge for one in callbacks if one.challenge.is_resendable(now)]
        challenge = resendable[0] if resendable else request.new_challenge
        counter = AttemptCounter(CounterKind.CALLBACK, request.call_id, attempts)
        return Callback(challenge, now, request.call_id, counter)
