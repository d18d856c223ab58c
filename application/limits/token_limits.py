"""Limits of what a service token does, on all instances together."""

from dataclasses import dataclass

from application.ports.limits import LimitStore
from application.ports.system import Clock
from domain.administration.audit import Actor, ActorKind
from domain.errors import RateLimitExceeded
from domain.otp.rate_limits import Acquisition, LimitPurpose, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow, whole_seconds


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """Count what service tokens do. People have no such limits."""

    limit_store: LimitStore
    clock: Clock

    async def acquire(
        self, actor: Actor, name: str, window: SlidingWindow, error: type[RateLimitExceeded]
    ) -> None:
        """Count one use of a service token, which the window limits.

        Raises:
            RateLimitExceeded: `error`, if the limit is reached.
            StorageError
        """
        if actor.kind is not ActorKind.SERVICE_TOKEN:
            return
        now = self.clock.now()
        limit = RateLimit(f"token:{actor.id}", LimitPurpose.READS, name, window)
        [acquired] = await self.limit_store.acquire(Reservation(now, (limit,)))
        if not isinstance(acquired, Acquisition):
            raise error(whole_seconds(now, acquired))
