"""The errors of a database that is not available."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from adapters.records.database import Database
from adapters.records.delivery_reports import DeliveryReportRecord
from adapters.records.kinds import (
    ALL_ENTRIES,
    AUDIT_ENTRIES,
    DELIVERY_REPORTS,
    ENCRYPTED_PHONE,
    IDENTITIES,
    PHONE_VERIFICATIONS,
)
from adapters.records.phone_verifications import PhoneVerificationRecord
from adapters.records.record_store import IndexPosition
from application.ports.errors import StorageTimeout, StorageUnavailable
from domain.otp.rate_limits import Acquisition, LimitPurpose, RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from pytest_dialtone import external_adapter
from pytest_dialtone.outcomes import expect_errors
from pytest_dialtone.suites.storage.record_examples import NOW

REPORT: Final = DeliveryReportRecord(id="1", status="sent", expires_at=NOW)
VERIFICATION: Final = PhoneVerificationRecord()
LIMIT: Final = RateLimit(
    "total", LimitPurpose.DELIVERIES, "requests", SlidingWindow(1, timedelta(hours=1))
)
RESERVATION: Final = Reservation(NOW, (LIMIT,))
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
    "records.move": lambda db: db.records.move(PHONE_VERIFICATIONS, "1", "2", VERIFICATION, 1),
    "limits.acquire": lambda db: db.limits.acquire(RESERVATION),
    "limits.acquire, several": lambda db: db.limits.acquire(RESERVATION, RESERVATION),
    "limits.release": lambda db: db.limits.release(Acquisition(NOW, (LIMIT,))),
    "limits.next_available": lambda db: db.limits.next_available(RESERVATION),
    "limits.count_used": lambda db: db.limits.count_used([LIMIT], NOW),
    "limits.delete_expired": lambda db: db.limits.delete_expired(NOW, 1),
}
OF_A_LIMIT_STORE: Final = (
    "limits.acquire",
    "limits.acquire, several",
    "limits.release",
    "limits.next_available",
    "limits.count_used",
)
"""Where records expire by themselves, `delete_expired` does nothing, and cannot fail."""
MAX_SECONDS: Final = 15.5
"""A call without a request ends within 15 seconds, see the ports."""
ERRORS: Final = (
    (StorageUnavailable, StorageTimeout) if external_adapter.is_given() else (StorageUnavailable,)
)
"""The provider of another database may break off so that a write may have been done."""


async def test_each_operation_of_an_unusable_database_is_a_storage_error_in_time(
    unusable_database: Database,
) -> None:
    calls = {
        name: operation(unusable_database)
        for name, operation in OPERATIONS.items()
        if not external_adapter.is_limit_store() or name in OF_A_LIMIT_STORE
    }

    await expect_errors(calls, *ERRORS, seconds=MAX_SECONDS)
