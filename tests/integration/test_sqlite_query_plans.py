"""Every statement reads a range of an index, and no page is sorted after reading."""

import itertools
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from adapters.sqlite.connection_worker import ConnectionWorker, Operation
from adapters.sqlite.database import Database, Values, open_database
from adapters.sqlite.repositories import repositories_of
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
OWNER, KIND = an_id(), MediaKind.GIF
CURSOR = Cursor(NOW, an_id())
PAGES = {
    (None, None, None): "page (state=?)",
    (OWNER, None, None): "page_owner_id (state=? AND owner_id=?)",
    (None, KIND, None): "page_kind (state=? AND kind=?)",
    (None, None, "wheels"): "page_category (state=? AND category=?)",
    (OWNER, KIND, None): "page_owner_id_kind (state=? AND owner_id=? AND kind=?)",
    (OWNER, None, "wheels"): "page_owner_id_category (state=? AND owner_id=? AND category=?)",
    (None, KIND, "wheels"): "page_kind_category (state=? AND kind=? AND category=?)",
    (OWNER, KIND, "wheels"): (
        "page_owner_id_kind_category (state=? AND owner_id=? AND kind=? AND category=?)"
    ),
}


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

    async def run(self, operation: Operation[T]) -> T:
        def execute(connection: sqlite3.Connection) -> T:
            explaining = ExplainingConnection(connection, self.plans)
            return operation(cast("sqlite3.Connection", explaining))

        return await self.worker.run(execute)


@pytest.fixture
def plans() -> list[str]:
    """The query plans of all statements, step by step."""
    return []


@pytest.fixture
async def repositories(tmp_path: Path, plans: list[str]) -> AsyncIterator[Repositories]:
    def explain(worker: ConnectionWorker) -> ConnectionWorker:
        return cast("ConnectionWorker", ExplainingWorker(worker, plans))

    async with open_database(tmp_path / "records.db", "keys") as database:
        explaining = Database(explain(database.reader), explain(database.writer))
        yield repositories_of(explaining, FakePhoneEncryption())


@pytest.mark.parametrize(("owner", "kind", "category"), PAGES)
async def test_a_page_is_a_range_of_the_index_of_its_filters(
    repositories: Repositories,
    plans: list[str],
    owner: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    await repositories.media_pages.list_page(ItemFilter(owner, kind, category), 20, 10)

    assert plans == [f"SEARCH media_items USING INDEX media_items_{PAGES[owner, kind, category]}"]


@pytest.mark.parametrize(("owner", "kind", "category"), PAGES)
async def test_a_page_after_a_position_begins_within_the_same_range(
    repositories: Repositories,
    plans: list[str],
    owner: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    filters = ItemFilter(owner, kind, category)
    await repositories.media_pages.list_after(filters, Cursor(NOW, an_id()), 10)

    search = PAGES[owner, kind, category].removesuffix(")")
    assert plans == [
        f"SEARCH media_items USING INDEX media_items_{search} AND (created_at,id)<(?,?))"
    ]


@pytest.mark.parametrize(("owner", "kind", "category"), PAGES)
async def test_counting_reads_the_same_range_and_no_row(
    repositories: Repositories,
    plans: list[str],
    owner: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    await repositories.media_pages.count(ItemFilter(owner, kind, category), 10_001)

    assert plans == [
        "CO-ROUTINE (subquery-1)",
        f"SEARCH media_items USING COVERING INDEX media_items_{PAGES[owner, kind, category]}",
        "SCAN (subquery-1)",
    ]


def test_every_combination_of_filters_is_tested() -> None:
    combinations = itertools.product((None, OWNER), (None, KIND), (None, "wheels"))

    assert set(PAGES) == set(combinations)


async def test_a_phone_verification_is_found_by_its_phone_index(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.phone_verifications.load(a_phone())
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 1)

    assert len(plans) == 2
    assert all("(phone_index=?)" in plan for plan in plans)


async def test_expired_verifications_are_a_range_of_times(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.phone_verifications.delete_expired(NOW, 10)

    assert plans == [
        "SEARCH phone_verifications USING INTEGER PRIMARY KEY (rowid=?)",
        "LIST SUBQUERY 1",
        "SEARCH phone_verifications USING COVERING INDEX phone_verifications_expires_at "
        "(expires_at<?)",
    ]


async def test_expired_client_ips_are_a_range_of_times(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.phone_verifications.prune(NOW, 10)

    assert plans == [
        "SEARCH phone_verifications USING INDEX phone_verifications_client_ips_expire_at "
        "(client_ips_expire_at<?)"
    ]


async def test_an_identity_is_found_by_its_id_or_its_username(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.identities.load(an_id())
    await repositories.identities.add(an_identity())
    await repositories.identities.replace(an_identity(), 1)
    await repositories.identities.find_by_username(Username("Zoë"))

    searches = [plan for plan in plans if plan.startswith("SEARCH")]
    assert [plan.rpartition(" ")[2] for plan in searches] == [
        "(id=?)",
        "(id=?)",
        "(id=?)",
        "(username_key=?)",
    ]
    assert not any(plan.startswith("SCAN identities") for plan in plans)


async def test_deleted_identities_are_ranges_of_indexes_of_their_own(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.deleted_identities.find_deleted([an_id()])
    await repositories.deleted_identities.list_unpurged(10)
    await repositories.deleted_identities.list_with_username(NOW, 10)

    assert plans == [
        "SEARCH identities USING INDEX sqlite_autoindex_identities_1 (id=?)",
        "LIST SUBQUERY 1",
        LISTED_IDS,
        "SEARCH identities USING INDEX identities_deleted_not_purged (deleted_at>?)",
        "SEARCH identities USING INDEX identities_deleted_with_username (deleted_at<?)",
    ]


async def test_an_item_is_found_by_its_id_or_its_storage_key(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.media_items.add(an_item())
    await repositories.media_items.load(an_id())
    await repositories.media_items.replace(an_item(), 1)
    await repositories.media_items.delete(an_id(), 2)
    await repositories.media_items.find_by_storage_key(an_item().storage_key)

    assert [plan.rpartition(" ")[2] for plan in plans] == ["(id=?)"] * 3 + ["(storage_key=?)"]


async def test_items_to_clean_up_are_ranges_of_indexes(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.media_cleanup.list_owned_by(OWNER, 10)
    await repositories.media_cleanup.list_expired_uploads(NOW, 10)
    await repositories.media_cleanup.list_deleting(NOW, 10)
    await repositories.media_cleanup.list_refused_deletions(10)

    by_owner, abandoned, deleting, refused = plans
    assert refused == "SEARCH media_items USING INDEX media_items_page (state=?)"
    assert by_owner.endswith("(state=? AND owner_id=?)")
    assert (abandoned, deleting) == (
        "SEARCH media_items USING INDEX media_items_upload_deadline (upload_deadline<?)",
        "SEARCH media_items USING INDEX media_items_deletion_requested_at "
        "(deletion_requested_at<?)",
    )


@pytest.mark.parametrize(
    ("identity_id", "cursor", "plan"),
    [
        (None, None, "SCAN calls USING INDEX calls_started_at"),
        (None, CURSOR, "SEARCH calls USING INDEX calls_started_at ((started_at,id)<(?,?))"),
        (OWNER, None, "SEARCH calls USING INDEX calls_identity_id (identity_id=?)"),
        (
            OWNER,
            CURSOR,
            "SEARCH calls USING INDEX calls_identity_id (identity_id=? AND (started_at,id)<(?,?))",
        ),
    ],
)
async def test_a_page_of_calls_is_a_range_of_the_index_in_its_order(
    repositories: Repositories,
    plans: list[str],
    identity_id: str | None,
    cursor: Cursor | None,
    plan: str,
) -> None:
    await repositories.call_pages.list_after(identity_id, cursor, 10)

    assert plans == [plan]


async def test_calls_to_clean_up_are_ranges_of_indexes(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.call_cleanup.list_started(NOW, 10)
    await repositories.call_cleanup.list_of_identity(OWNER, 10)
    await repositories.call_cleanup.list_recorded(NOW, 10)

    assert plans == [
        "SEARCH calls USING INDEX calls_started_at (started_at<?)",
        "SEARCH calls USING INDEX calls_identity_id (identity_id=?)",
        "SEARCH calls USING INDEX calls_oldest_recording_at (oldest_recording_at<?)",
    ]


async def test_a_call_and_a_report_are_found_by_their_ids(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.calls.add(a_call())
    await repositories.calls.load(an_id())
    await repositories.calls.replace(a_call(), 1)
    await repositories.call_cleanup.delete(an_id(), 2)
    await repositories.delivery_reports.add(a_delivery_report())
    await repositories.delivery_reports.load("a report")
    await repositories.delivery_reports.replace(a_delivery_report(), 1)

    assert [plan.rpartition(" ")[2] for plan in plans] == ["(id=?)"] * 5


async def test_expired_reports_are_a_range_of_times(
    repositories: Repositories, plans: list[str]
) -> None:
    await repositories.delivery_reports.delete_expired(NOW, 10)

    assert plans == [
        "SEARCH delivery_reports USING INTEGER PRIMARY KEY (rowid=?)",
        "LIST SUBQUERY 1",
        "SEARCH delivery_reports USING COVERING INDEX delivery_reports_expires_at (expires_at<?)",
    ]


async def test_rate_limits_read_the_window_and_nothing_else(
    repositories: Repositories, plans: list[str]
) -> None:
    reservation = Reservation("a request", NOW, (RateLimit("a limit", SlidingWindow(1, HOUR)),))
    await repositories.rate_limiter.next_available(reservation)
    await repositories.rate_limiter.delete_expired(NOW, 10)

    assert plans == [
        "SEARCH rate_limits USING PRIMARY KEY (limit_name=? AND acquired_at>? AND acquired_at<?)",
        "SEARCH rate_limits USING PRIMARY KEY "
        "(limit_name=? AND acquired_at=? AND reservation_id=?)",
        "LIST SUBQUERY 1",
        "SEARCH rate_limits USING COVERING INDEX rate_limits_expires_at (expires_at<?)",
    ]
