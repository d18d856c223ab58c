"""The errors of a database that is not available."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Final

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import (
    ALL_ENTRIES,
    AUDIT_ENTRIES,
    DELIVERY_REPORTS,
    ENCRYPTED_PHONE,
    IDENTITIES,
    DeliveryReportRecord,
)
from adapters.databases.records.record_store import IndexPosition
from application.ports.errors import StorageError, StorageTimeout, StorageUnavailable
from tests.contract.suites import external_adapter
from tests.contract.suites.outcomes import expect_errors
from tests.contract.suites.promises import require_health_check
from tests.contract.suites.storage.outages import (
    A_LIMIT,
    MAX_SECONDS,
    OutageInstances,
    observe_before_deadline,
)
from tests.contract.suites.storage.record_examples import NOW, add_reports, load_one

REPORT: Final = DeliveryReportRecord(id="1", status="sent", expires_at=NOW)
OPERATIONS: Final[dict[str, Callable[[Database], Awaitable[object]]]] = {
    "records.load": lambda db: db.records.load(DELIVERY_REPORTS, ["1"]),
    "records.scan": lambda db: db.records.scan(DELIVERY_REPORTS, "", 1),
    "records.find": lambda db: db.records.find(
        AUDIT_ENTRIES, ALL_ENTRIES, [], after=IndexPosition(NOW, "1"), limit=1
    ),
    "records.count": lambda db: db.records.count(AUDIT_ENTRIES, ALL_ENTRIES, [], 1),
    "records.count, estimated": lambda db: db.records.count(
        AUDIT_ENTRIES, ALL_ENTRIES, [], 10_001, may_estimate=True
    ),
    "records.add": lambda db: db.records.add(DELIVERY_REPORTS, "1", REPORT, 1),
    "records.replace": lambda db: db.records.replace(DELIVERY_REPORTS, "1", REPORT, 1),
    "records.delete": lambda db: db.records.delete(DELIVERY_REPORTS, "1", 1),
    "records.delete_expired": lambda db: db.records.delete_expired(DELIVERY_REPORTS, NOW, 1),
    "records.overwrite": lambda db: db.records.overwrite(
        IDENTITIES, "1", ENCRYPTED_PHONE, b"bytes", 1
    ),
    "limits.acquire": lambda db: db.limits.acquire([A_LIMIT], NOW),
    "limits.release": lambda db: db.limits.release([A_LIMIT], NOW),
    "limits.next_available": lambda db: db.limits.next_available([A_LIMIT], NOW),
    "limits.count_used": lambda db: db.limits.count_used([A_LIMIT], NOW),
    "limits.delete_expired": lambda db: db.limits.delete_expired(NOW, 1),
}
DAY: Final = timedelta(days=1)
OF_A_LIMIT_STORE: Final = (
    "limits.acquire",
    "limits.acquire, several",
    "limits.release",
    "limits.next_available",
    "limits.count_used",
)
"""Where records expire by themselves, `delete_expired` does nothing, and cannot fail."""
ERRORS: Final = (
    (StorageUnavailable, StorageTimeout) if external_adapter.is_given() else (StorageUnavailable,)
)
"""The provider of another database may break off so that a write may have been done."""


def operations_of(database: Database) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return the calls of a database, or of a limit store."""
    return {
        name: partial(operation, database)
        for name, operation in OPERATIONS.items()
        if not external_adapter.is_limit_store() or name in OF_A_LIMIT_STORE
    }


async def test_each_operation_of_an_unusable_database_is_a_storage_error_in_time(
    unusable_database: Database,
) -> None:
    calls = {name: call() for name, call in operations_of(unusable_database).items()}

    await expect_errors(calls, *ERRORS, seconds=MAX_SECONDS)


async def test_no_operation_of_a_request_lasts_longer_than_its_deadline(
    outage_instances: OutageInstances,
) -> None:
    calls = operations_of(outage_instances.database)

    async with outage_instances.hanging():
        outcomes = await asyncio.gather(*map(observe_before_deadline, calls.values()))

    wrong = [
        f"{name} {outcome.words}, but has to raise StorageTimeout or StorageUnavailable"
        for name, outcome in zip(calls, outcomes, strict=True)
        if not isinstance(outcome.error, StorageError)
    ]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.mark.parametrize("state", ["away", "silent"])
async def test_it_works_again_after_an_outage(
    outage_instances: OutageInstances, state: str
) -> None:
    database = outage_instances.database
    await outage_instances.provider_is(state)
    calls = operations_of(database).values()
    await asyncio.gather(*map(observe_before_deadline, [*calls] * 4))

    await outage_instances.mend()

    assert await database.limits.acquire([A_LIMIT], NOW + DAY) is None
    if not external_adapter.is_limit_store():
        await add_reports(database.records, "a new one")
        assert await load_one(database.records, DELIVERY_REPORTS, "a new one")


async def test_the_health_check_of_a_working_database_succeeds(database: Database) -> None:
    await database.health.check()


async def test_the_health_check_of_an_unusable_database_raises_a_storage_error(
    unusable_database: Database,
) -> None:
    health = unusable_database.health
    require_health_check(health)

    await expect_errors({"check": health.check()}, StorageError, seconds=15)
