"""A shared database behind a circuit breaker."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from adapters.records.circuit_breaker import CircuitBreaker
from adapters.records.database import Database
from adapters.records.kinds import LEASES
from adapters.records.store_calls import READS, wrap_limits, wrap_records
from application.ports.system import HealthCheck

T = TypeVar("T")


@asynccontextmanager
async def guard_database(database: Database) -> AsyncIterator[Database]:
    """Put a circuit breaker around an open database, until the end of the block."""
    breaker = CircuitBreaker(
        lambda: database.records.load(LEASES, ["health check"]), database.health.check
    )

    def guard(method: str, call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return breaker.read(call) if method in READS else breaker.write(call)

    try:
        yield Database(
            wrap_records(database.records, guard),
            wrap_limits(database.limits, guard),
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
