"""The callbacks of one phone: calls with a code, because somebody asked for it by calling."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.otp.challenge import Challenge
from domain.otp.delivery import ONE_DAY, REJECTED_TTL, AttemptCounter
from domain.otp.permits import Permits
from domain.otp.sliding_window import CLOCK_SKEW, SlidingWindow, keep_recent

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
        return self.challenge.id

    def is_open(self, now: datetime) -> bool:
        """Return whether an attempt without a request id is compared with its code."""
        return self.challenge.is_active(now) and self.counter.left > 0

    def prune(self, now: datetime) -> "Callback":
        """Return the callback, without its attempts if its code expired."""
        is_expired = self.challenge.expires_at <= now
        return replace(self, counter=self.counter.reset()) if is_expired else self


@dataclass(frozen=True, slots=True)
class PhoneCallbacks:
    """The callbacks of a phone within a day.

    Attributes:
        all: In the order in which they were requested.
        rejected: The times of those that the provider rejected, which count for an hour.
    """

    all: tuple[Callback, ...] = ()
    rejected: tuple[datetime, ...] = ()

    @property
    def challenges(self) -> list[Challenge]:
        return [callback.challenge for callback in self.all]

    @property
    def expiry_times(self) -> list[datetime]:
        times = [callback.requested_at + ONE_DAY for callback in self.all]
        return times + [requested_at + REJECTED_TTL for requested_at in self.rejected]

    def find(self, call_id: str) -> Callback | None:
        return next((callback for callback in self.all if callback.call_id == call_id), None)

    def find_open(self, now: datetime) -> Callback | None:
        """Return the latest callback if attempts are compared with its code (see `is_open`)."""
        return self.all[-1] if self.all and self.all[-1].is_open(now) else None

    def next_available(self, now: datetime) -> datetime:
        times = [callback.requested_at for callback in self.all]
        return max(
            window.next_available(times + [*self.rejected] * (window.period < ONE_DAY), now)
            for window in CALLBACKS_PER_PHONE
        )

    def add(self, new: Callback, key_ids: Collection[str]) -> "PhoneCallbacks":
        """Return them with a new one, which reads an earlier code if that is resendable."""
        now = new.requested_at
        resendable = (each for each in self.challenges if each.is_resendable(now, key_ids))
        added = replace(new, challenge=next(resendable, new.challenge))
        return replace(self, all=(*self.all, added))

    def count(self, digest: str, now: datetime) -> "PhoneCallbacks":
        """Return them with one attempt more at the latest one."""
        *others, latest = self.all
        counted = replace(latest, counter=latest.counter.count(digest, now))
        return replace(self, all=(*others, counted))

    def reject(self, call_id: str) -> "PhoneCallbacks":
        """Return them after the provider rejected the call of one.

        Only its time is kept. A callback with attempts stays, without its permits: otherwise these
        attempts would not count.
        """
        kept, rejected = list[Callback](), [*self.rejected]
        for callback in self.all:
            if callback.call_id != call_id:
                kept.append(callback)
            elif callback.counter.used:
                kept.append(replace(callback, permits=None))
            else:
                rejected.append(callback.requested_at)
        return PhoneCallbacks(tuple(kept), tuple(rejected))

    def map_challenges(self, change: Callable[[Challenge], Challenge]) -> "PhoneCallbacks":
        if not self.all:
            return self
        changed = [replace(callback, challenge=change(callback.challenge)) for callback in self.all]
        return replace(self, all=tuple(changed))

    def prune(self, now: datetime) -> "PhoneCallbacks":
        if not self.all and not self.rejected:
            return self
        latest = now + CLOCK_SKEW
        kept = [
            callback.prune(now)
            for callback in self.all
            if now - ONE_DAY < callback.requested_at <= latest
        ]
        return PhoneCallbacks(tuple(kept), keep_recent(self.rejected, REJECTED_TTL, now))
