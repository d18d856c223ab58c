"""Every statement reads a range of an index, and no page is sorted after reading."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Never, TypeVar, cast

import pytest

from adapters.sqlite.connection_worker import ConnectionWorker, Operation
from adapters.sqlite.database import Database, Values, open_database
from adapters.sqlite.repositories import repositories_of
from application.ports.errors import StorageUnavailable
from application.ports.repositories import Repositories
from domain.identities.username import Username
from domain.media.image import MediaKind
from domain.media.page import ItemFilter
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.page import Cursor
from tests.support.builders import (
    NOW,
    a_call,
    a_delivery_report,
    a_phone,
    a_phone_verification,
    an_id,
    an_identity,
    an_item,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption

T = TypeVar("T")

HOUR = timedelta(hours=1)

LISTED_IDS = "SCAN json_each VIRTUAL TABLE INDEX 1:"
OWNER, CATEGORY, REPORT = an_id(), "wheels", a_delivery_report()
CURSOR = Cursor(NOW, an_id())
LIMIT = RateLimit("a limit", SlidingWindow(1, HOUR))
RESERVATION = Reservation("a request", NOW, (LIMIT,))
LIMITS_BY_NAME = [
    "SEARCH rate_limits USING INDEX sqlite_autoindex_rate_limits_1 (id=?)",
    "LIST SUBQUERY 1",
    LISTED_IDS,
]
BY_ID = ["SEARCH reservations USING INDEX sqlite_autoindex_reservations_1 (id=?)"]


class ExplainingConnection:
    """A connection that records the query plan of each statement before it executes it."""

    def __init__(self, connection: sqlite3.Connection, plans: list[str]) -> None:
        self._connection = connection
        self._plans = plans

    def execute(self, sql: str, values: Values = ()) -> sqlite3.Cursor:
        steps = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        self._plans.extend(step[-1] for step in steps)
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@dataclass(frozen=True, slots=True)
class ExplainingWorker:
    """A worker that records the query plans of its operations."""

    worker: ConnectionWorker
    plans: list[str]

    def has_waited(self, seconds: float) -> bool:
        return self.worker.has_waited(seconds)

    async def run(self, operation: Operation[T]) -> T:
        def execute(connection: sqlite3.Connection) -> T:
            explaining = ExplainingConnection(connection, self.plans)
            return operation(cast("sqlite3.Connection", explaining))

        return await self.worker.run(execute)


@pytest.fixture
def plans() -> list[str]:
    """The query plans of all statements, step by step."""
    return []


def find_nothing(*_: object) -> Never:
    """Leave all statements to the reader's thread."""
    raise StorageUnavailable


@pytest.fixture
async def repositories(tmp_path: Path, plans: list[str]) -> AsyncIterator[Repositories]:
    def explain(worker: ConnectionWorker) -> ConnectionWorker:
        return cast("ConnectionWorker", ExplainingWorker(worker, plans))

    async with open_database(tmp_path / "records.db", "keys") as database:
        explaining = Database(explain(database.reader), explain(database.writer), find_nothing)
        yield repositories_of(explaining, FakePhoneEncryption())


@pytest.mark.parametrize("owner_id", [None, OWNER])
@pytest.mark.parametrize("kind", [None, MediaKind.GIF])
@pytest.mark.parametrize("category", [None, CATEGORY])
async def test_a_page_is_a_range_of_the_index_of_its_filters(
    repositories: Repositories,
    plans: list[str],
    owner_id: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    filters = ItemFilter(owner_id, kind, category)
    columns = [name for name in ("owner_id", "kind", "category") if getattr(filters, name)]
    index = "_".join(["media_items_page", *columns])
    found = " AND ".join(f"{name}=?" for name in ("state", *columns))
    owner = [
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH identities USING INDEX sqlite_autoindex_identities_1 (id=?)",
    ]

    await repositories.media_pages.list_page(filters, 20, 10)
    await repositories.media_pages.list_after(filters, CURSOR, 10)
    await repositories.media_pages.count(filters, 10_001)

    assert plans == [
        f"SEARCH media_items USING INDEX {index} ({found})",
        *owner,
        f"SEARCH media_items USING INDEX {index} ({found} AND (created_at,id)<(?,?))",
        *owner,
        # Counting reads no row.
        "CO-ROUTINE (subquery-1)",
        f"SEARCH media_items USING COVERING INDEX {index} ({found})",
        "SCAN (subquery-1)",
    ]


CALLS: dict[str, tuple[Callable[[Repositories], Awaitable[object]], list[str]]] = {
    "delete expired verifications": (
        lambda db: db.phone_verifications.delete_expired(NOW, 10),
        [
            "SEARCH phone_verifications USING INTEGER PRIMARY KEY (rowid=?)",
            "LIST SUBQUERY 1",
            "SEARCH phone_verifications USING COVERING INDEX phone_verifications_expires_at "
            "(expires_at<?)",
        ],
    ),
    "prune verifications": (
        lambda db: db.phone_verifications.prune(NOW, 10),
        [
            "SEARCH phone_verifications USING INDEX phone_verifications_client_ips_expire_at "
            "(client_ips_expire_at<?)"
        ],
    ),
    "find deleted identities": (
        lambda db: db.deleted_identities.find_deleted([an_id()]),
        ["SEARCH identities USING INDEX sqlite_autoindex_identities_1 (id=?)"],
    ),
    "list identities to purge": (
        lambda db: db.deleted_identities.list_unpurged(10),
        ["SEARCH identities USING INDEX identities_deleted_not_purged (deleted_at>?)"],
    ),
    "list usernames to release": (
        lambda db: db.deleted_identities.list_with_username(NOW, 10),
        ["SEARCH identities USING INDEX identities_deleted_with_username (deleted_at<?)"],
    ),
    "list items of an owner": (
        lambda db: db.media_cleanup.list_owned_by(OWNER, 10),
        ["SEARCH media_items USING INDEX media_items_page_owner_id (state=? AND owner_id=?)"],
    ),
    "list expired uploads": (
        lambda db: db.media_cleanup.list_expired_uploads(NOW, 10),
        ["SEARCH media_items USING INDEX media_items_upload_deadline (upload_deadline<?)"],
    ),
    "list items to delete": (
        lambda db: db.media_cleanup.list_deleting(NOW, 10),
        [
            "SEARCH media_items USING INDEX media_items_deletion_requested_at "
            "(deletion_requested_at<?)"
        ],
    ),
    "list refused deletions": (
        lambda db: db.media_cleanup.list_refused_deletions(10),
        ["SEARCH media_items USING INDEX media_items_page (state=?)"],
    ),
    "first page of calls": (
        lambda db: db.call_pages.list_after(None, None, 10),
        ["SCAN calls USING INDEX calls_started_at"],
    ),
    "page of calls": (
        lambda db: db.call_pages.list_after(None, CURSOR, 10),
        ["SEARCH calls USING INDEX calls_started_at ((started_at,id)<(?,?))"],
    ),
    "first page of an identity": (
        lambda db: db.call_pages.list_after(OWNER, None, 10),
        ["SEARCH calls USING INDEX calls_identity_id (identity_id=?)"],
    ),
    "page of an identity": (
        lambda db: db.call_pages.list_after(OWNER, CURSOR, 10),
        ["SEARCH calls USING INDEX calls_identity_id (identity_id=? AND (started_at,id)<(?,?))"],
    ),
    "list old calls": (
        lambda db: db.call_cleanup.list_started(NOW, 10),
        ["SEARCH calls USING INDEX calls_started_at (started_at<?)"],
    ),
    "list calls of an identity": (
        lambda db: db.call_cleanup.list_of_identity(OWNER, 10),
        ["SEARCH calls USING INDEX calls_identity_id (identity_id=?)"],
    ),
    "list old recordings": (
        lambda db: db.call_cleanup.list_recorded(NOW, 10),
        ["SEARCH calls USING INDEX calls_oldest_recording_at (oldest_recording_at<?)"],
    ),
    "delete expired reports": (
        lambda db: db.delivery_reports.delete_expired(NOW, 10),
        [
            "SEARCH delivery_reports USING INTEGER PRIMARY KEY (rowid=?)",
            "LIST SUBQUERY 1",
            "SEARCH delivery_reports USING COVERING INDEX delivery_reports_expires_at "
            "(expires_at<?)",
        ],
    ),
    "next available permit": (
        lambda db: db.rate_limiter.next_available(RESERVATION),
        ["SEARCH rate_limits USING INDEX sqlite_autoindex_rate_limits_1 (id=?)"],
    ),
    "permits": (lambda db: db.rate_limiter.acquire(RESERVATION), LIMITS_BY_NAME + BY_ID),
    "release of permits that were not acquired": (
        lambda db: db.rate_limiter.release(RESERVATION),
        BY_ID,
    ),
    "delete expired permits": (
        lambda db: db.rate_limiter.delete_expired(NOW, 10),
        [
            "SEARCH rate_limits USING INTEGER PRIMARY KEY (rowid=?)",
            "LIST SUBQUERY 1",
            "SEARCH rate_limits USING COVERING INDEX rate_limits_expires_at (expires_at<?)",
            "SEARCH reservations USING INTEGER PRIMARY KEY (rowid=?)",
            "LIST SUBQUERY 1",
            "SEARCH reservations USING COVERING INDEX reservations_expires_at (expires_at<?)",
        ],
    ),
}


@pytest.mark.parametrize("name", CALLS)
async def test_every_list_is_a_range_of_an_index(
    repositories: Repositories, plans: list[str], name: str
) -> None:
    call, expected = CALLS[name]
    await call(repositories)

    assert plans == expected


async def test_a_record_is_found_by_its_key(repositories: Repositories, plans: list[str]) -> None:
    await repositories.phone_verifications.load(a_phone())
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 1)
    await repositories.identities.load(an_id())
    await repositories.identities.add(an_identity())
    await repositories.identities.replace(an_identity(), 1)
    await repositories.identities.find_by_username(Username("Zoë"))
    await repositories.media_items.add(an_item())
    await repositories.media_items.load(an_id())
    await repositories.media_items.replace(an_item(), 1)
    await repositories.media_items.delete(an_id(), 2)
    await repositories.media_items.find_by_storage_key(an_item().storage_key)
    await repositories.calls.add(a_call())
    await repositories.calls.load(an_id())
    await repositories.calls.replace(a_call(), 1)
    await repositories.call_cleanup.delete(an_id(), 2)
    await repositories.delivery_reports.add(REPORT)
    await repositories.delivery_reports.load(REPORT.id)
    await repositories.delivery_reports.replace(REPORT, 1)

    searches = [plan.split(" ") for plan in plans if plan.startswith("SEARCH")]
    assert Counter((words[1], words[-1]) for words in searches) == {
        ("phone_verifications", "(id=?)"): 3,
        ("identities", "(id=?)"): 3,
        ("identities", "(username_key=?)"): 1,
        ("media_items", "(id=?)"): 4,
        ("media_items", "(storage_key=?)"): 1,
        ("calls", "(id=?)"): 4,
        ("delivery_reports", "(id=?)"): 3,
    }
    assert {plan for plan in plans if plan.startswith("SCAN")} <= {"SCAN CONSTANT ROW"}
