import asyncio
from datetime import timedelta

from adapters.databases.records.database import Database
from application.ports.errors import StorageError
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import SlidingWindow
from tests.contract.suites.outcomes import expect_errors
from tests.contract.suites.promises import not_promised
from tests.contract.suites.storage.record_examples import NOW


async def test_the_health_check_of_a_working_database_succeeds(database: Database) -> None:
    await database.health.check()


async def test_the_health_check_of_an_unusable_database_raises_a_storage_error(
    unusable_database: Database,
) -> None:
    health = unusable_database.health
    if not getattr(health, "has_health_check", True):
        not_promised("it has no check()")

    await expect_errors({"check": health.check()}, StorageError, seconds=15)


async def test_parallel_health_checks_and_writes_succeed(
    database: Database, other_database: Database
) -> None:
    limit = RateLimit(
        "total", LimitPurpose.DELIVERIES, "requests", SlidingWindow(3, timedelta(hours=1))
    )
    writes = [database.limits.acquire([limit], NOW) for _ in range(3)]

    *_, last = await asyncio.gather(
        *(database.health.check() for _ in range(20)),
        *(other_database.health.check() for _ in range(20)),
        *writes,
    )

    assert last is None
