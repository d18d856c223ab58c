"""A shared database, and a limit store beside it, each behind a circuit breaker."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from adapters.records.circuit_breaker import CircuitBreaker
from adapters.records.database import Database
from adapters.records.kinds import LEASES
from adapters.records.store_calls import READS, AroundCall, wrap_limits, wrap_records
from application.ports.limits import LimitStore
from application.ports.system import HealthCheck

T = TypeVar("T")


@asynccontextmanager
async def guard_database(database: Database) -> AsyncIterator[Database]:
    """Put a circuit breaker around an open database, until the end of the block."""
    breaker = CircuitBreaker(
        lambda: database.records.load(LEASES, ["health check"]), database.health.check
    )
    guard = _guarding(breaker)
    try:
        yield Database(
            wrap_records(database.records, guard),
            wrap_limits(database.limits, guard),
            GuardedHealthCheck(database.health, breaker),
        )
    finally:
        await breaker.stop()


@asynccontextmanager
async def guard_limits(
    limits: LimitStore, health: HealthCheck
) -> AsyncIterator[tuple[LimitStore, HealthCheck]]:
    """Put a circuit breaker around a limit store beside the database, until the end of the block.

    Returns:
        The limit store and its health check.
    """
    breaker = CircuitBreaker(health.check, health.check, "limits")
    try:
        yield wrap_limits(limits, _guarding(breaker)), GuardedHealthCheck(health, breaker)
    finally:
        await breaker.stop()


def _guarding(breaker: CircuitBreaker) -> AroundCall:
    def guard(method: str, call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return breaker.read(call) if method in READS else breaker.write(call)

    return guard


@dataclass(frozen=True, slots=True)
class GuardedHealthCheck:
    """Checks the database also while no call is made; its success ends that."""

    health_check: HealthCheck
    breaker: CircuitBreaker

    async def check(self) -> None:
        """Return when the database accepts writes."""
        await self.breaker.check(self.health_check.check)
