"""A shared database behind a circuit breaker."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from adapters.records.circuit_breaker import CircuitBreaker
from adapters.records.database import Database
from adapters.records.guarded_records import GuardedRecords
from adapters.records.kinds import LEASES
from application.ports.limits import LimitStore
from application.ports.system import HealthCheck
from domain.otp.rate_limits import Acquisition, RateLimit, Reservation


@asynccontextmanager
async def guard_database(database: Database) -> AsyncIterator[Database]:
    """Put a circuit breaker around an open database, until the end of the block."""
    breaker = CircuitBreaker(
        lambda: database.records.load(LEASES, ["health check"]), database.health.check
    )
    try:
        yield Database(
            GuardedRecords(database.records, breaker),
            GuardedLimits(database.limits, breaker),
            GuardedHealthCheck(database.health, breaker),
        )
    finally:
        await breaker.stop()


@dataclass(frozen=True, slots=True)
class GuardedHealthCheck:
    """Checks the database also while no call is made; its success ends that."""

    health_check: HealthCheck
    breaker: CircuitBreaker

    async def check(self) -> None:
        """Return when the database accepts writes."""
        await self.breaker.check(self.health_check.check)


@dataclass(frozen=True, slots=True)
class GuardedLimits:
    """The `LimitStore` of a database, through the breaker."""

    limits: LimitStore
    breaker: CircuitBreaker

    async def acquire(self, *reservations: Reservation) -> Sequence[Acquisition | datetime]:
        """Acquire several reservations."""
        return await self.breaker.write(lambda: self.limits.acquire(*reservations))

    async def release(self, acquisition: Acquisition) -> None:
        """Release permits."""
        await self.breaker.write(lambda: self.limits.release(acquisition))

    async def next_available(self, reservation: Reservation) -> datetime:
        """Return when a reservation succeeds."""
        return await self.breaker.read(lambda: self.limits.next_available(reservation))

    async def count_used(self, limits: Sequence[RateLimit], now: datetime) -> Sequence[int]:
        """Return how many permits of each limit count now."""
        return await self.breaker.read(lambda: self.limits.count_used(limits, now))

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete records without permits that count."""
        return await self.breaker.write(lambda: self.limits.delete_expired(now, limit))
