"""Every statement finds its rows by a range of an index, and no page is sorted after reading."""

import itertools
import sqlite3
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.sqlite.connection import connect_to_read, connect_to_write
from adapters.sqlite.database import Database, Values
from adapters.sqlite.lane import Job, Serve, open_lane
from adapters.sqlite.records import records_in
from adapters.sqlite.serving import commit_together, read_together
from application.ports.repositories import Repositories
from domain.identities.username import Username
from domain.media.image import MediaKind
from domain.media.page import Cursor, ItemFilter
from tests.support.builders import NOW, a_phone, a_phone_record, an_id, an_identity, an_item
from tests.support.fakes.seal import FakeSeal

LISTED_IDS = "SCAN json_each VIRTUAL TABLE INDEX 1:"
OWNER, KIND = an_id(), MediaKind.GIF
PAGES = {
    (None, None, None): "media_pages (shown>?)",
    (OWNER, None, None): "media_pages_owner (owner=? AND shown>?)",
    (None, KIND, None): "media_pages_kind (kind=? AND shown>?)",
    (None, None, "wheels"): "media_pages_category (category=? AND shown>?)",
    (OWNER, KIND, None): "media_pages_owner_kind (owner=? AND kind=? AND shown>?)",
    (OWNER, None, "wheels"): "media_pages_owner_category (owner=? AND category=? AND shown>?)",
    (None, KIND, "wheels"): "media_pages_kind_category (kind=? AND category=? AND shown>?)",
    (OWNER, KIND, "wheels"): (
        "media_pages_owner_kind_category (owner=? AND kind=? AND category=? AND shown>?)"
    ),
}


class Explained:
    """A connection that asks SQLite how it would do a statement before having it done."""

    def __init__(self, connection: sqlite3.Connection, plans: list[str]) -> None:
        self._connection = connection
        self._plans = plans

    def execute(self, sql: str, values: Values = ()) -> sqlite3.Cursor:
        steps = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        self._plans.extend(step[-1] for step in steps)
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.fixture
def plans() -> list[str]:
    """How SQLite does what the records ask for."""
    return []


@pytest.fixture
async def records(tmp_path: Path, plans: list[str]) -> AsyncIterator[Repositories]:
    def explained(serve: Serve) -> Serve:
        def serve_explained(
            connection: sqlite3.Connection, jobs: Sequence[Job[Any]]
        ) -> Sequence[object]:
            return serve(cast("sqlite3.Connection", Explained(connection, plans)), jobs)

        return serve_explained

    path, seal = tmp_path / "records.db", FakeSeal()
    to_write = partial(connect_to_write, path, seal.key_fingerprint())
    async with (
        open_lane("writer", to_write, explained(commit_together)) as writer,
        open_lane("reader", partial(connect_to_read, path), explained(read_together)) as reader,
    ):
        yield records_in(Database(reader, writer), seal)


@pytest.mark.parametrize(("owner", "kind", "category"), PAGES)
async def test_a_page_is_a_range_of_the_index_made_for_its_choice(
    records: Repositories,
    plans: list[str],
    owner: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    await records.media_pages.list_page(ItemFilter(owner, kind, category), 20, 10)

    assert plans == [f"SEARCH media_items USING INDEX {PAGES[owner, kind, category]}"]


@pytest.mark.parametrize(("owner", "kind", "category"), PAGES)
async def test_a_page_behind_a_position_begins_within_the_same_range(
    records: Repositories,
    plans: list[str],
    owner: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    chosen = ItemFilter(owner, kind, category)
    await records.media_pages.list_after(chosen, Cursor(NOW, an_id()), 10)

    begins_there = PAGES[owner, kind, category].replace("shown>?", "shown>? AND (shown,id)<(?,?)")
    assert plans == [f"SEARCH media_items USING INDEX {begins_there}"]


@pytest.mark.parametrize(("owner", "kind", "category"), PAGES)
async def test_counting_reads_the_same_range_and_no_row(
    records: Repositories,
    plans: list[str],
    owner: str | None,
    kind: MediaKind | None,
    category: str | None,
) -> None:
    await records.media_pages.count(ItemFilter(owner, kind, category))

    assert plans == [f"SEARCH media_items USING COVERING INDEX {PAGES[owner, kind, category]}"]


async def test_a_phone_record_is_found_by_its_index(
    records: Repositories, plans: list[str]
) -> None:
    await records.phone_verifications.load(a_phone())
    await records.phone_verifications.replace(a_phone(), a_phone_record(), 0)
    await records.phone_verifications.replace(a_phone(), a_phone_record(), 1)

    assert len(plans) == 2
    assert all("(phone_index=?)" in plan for plan in plans)


async def test_lapsed_records_are_a_range_of_times(records: Repositories, plans: list[str]) -> None:
    await records.phone_verifications.delete_expired(NOW, 10)

    assert plans == [
        "SEARCH phone_records USING INTEGER PRIMARY KEY (rowid=?)",
        "LIST SUBQUERY 1",
        "SEARCH phone_records USING COVERING INDEX phone_records_lapsing (lapses<?)",
    ]


async def test_an_identity_is_found_by_its_id_or_its_name(
    records: Repositories, plans: list[str]
) -> None:
    await records.identities.load(an_id())
    await records.identities.add(an_identity())
    await records.identities.replace(an_identity(), 1)
    await records.identities.find_by_username(Username("Zoë"))

    searches = [plan for plan in plans if plan.startswith("SEARCH")]
    assert [plan.rpartition(" ")[2] for plan in searches] == [
        "(id=?)",
        "(id=?)",
        "(id=?)",
        "(username_key=?)",
    ]
    assert not any(plan.startswith("SCAN identities") for plan in plans)


async def test_tombstones_are_ranges_of_their_own_indexes(
    records: Repositories, plans: list[str]
) -> None:
    await records.deleted_identities.find_deleted([an_id()])
    await records.deleted_identities.list_unpurged(10)
    await records.deleted_identities.list_with_username(NOW, 10)

    assert plans == [
        "SEARCH identities USING INDEX sqlite_autoindex_identities_1 (id=?)",
        "LIST SUBQUERY 1",
        LISTED_IDS,
        "SEARCH identities USING INDEX identities_unswept (deleted>?)",
        "SEARCH identities USING INDEX identities_holding (deleted<?)",
    ]


async def test_an_item_is_found_by_its_id_or_its_file(
    records: Repositories, plans: list[str]
) -> None:
    await records.media_items.add(an_item())
    await records.media_items.load(an_id())
    await records.media_items.replace(an_item(), 1)
    await records.media_items.delete(an_id(), 2)
    await records.media_items.find_by_storage_key(an_item().storage_key)

    assert [plan.rpartition(" ")[2] for plan in plans] == ["(id=?)"] * 3 + ["(file_key=?)"]


async def test_leftovers_are_ranges_of_their_own_indexes(
    records: Repositories, plans: list[str]
) -> None:
    await records.media_cleanup.list_owned_by(OWNER, 10)
    await records.media_cleanup.list_expired_uploads(NOW, 10)
    await records.media_cleanup.list_deleting(NOW, 10)

    assert plans == [
        "SEARCH media_items USING INDEX media_items_owned (owner=?)",
        "SEARCH media_items USING INDEX media_items_leased (leased<?)",
        "SEARCH media_items USING INDEX media_items_doomed (doomed<?)",
    ]


def test_every_choice_of_a_page_is_looked_at() -> None:
    choices = itertools.product((None, OWNER), (None, KIND), (None, "wheels"))

    assert set(PAGES) == set(choices)
