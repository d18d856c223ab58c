"""A limit store of its own, beside a database that kept the limits before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.ports.limits import LimitStore
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation


@dataclass(frozen=True, slots=True)
class SeparateLimits:
    """Keeps all limits in one store, and deletes those that have expired in another.

    Ids of limits contain hashes of client IPs. What a database had when the store of the limits was
    changed must not stay there.
    """

    used: LimitStore
    unused: LimitStore

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        """Acquire several reservations, each as a whole or not at all."""
        return await self.used.acquire(*reservations)

    async def release(self, acquisition: Acquisition) -> None:
        """Release permits."""
        await self.used.release(acquisition)

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when a reservation succeeds."""
        return await self.used.next_available(reservation)

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        """Return how many permits of each limit count now."""
        return await self.used.count_used(limits, now)

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` records without permits that count, of both stores."""
        deleted = await self.used.delete_expired(now, limit)
        if deleted < limit:
            deleted += await self.unused.delete_expired(now, limit - deleted)
        return deleted
