"""Every statement reads a range of an index, and no page is sorted after reading."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Never, TypeVar, cast

import pytest

from adapters.sqlite.connection_worker import ConnectionWorker, Operation, Values
from adapters.sqlite.database import Database, open_database
from adapters.sqlite.repositories import repositories_of
from application.ports.errors import StorageUnavailable
from application.ports.repositories import Repositories
from domain.media.image import MediaKind
from domain.media.page import ItemFilter
from domain.page import Cursor
from tests.contract.test_storage_errors import OPERATIONS
from tests.support.builders import (
    NOW,
    an_id,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption

T = TypeVar("T")


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


@pytest.mark.parametrize("owner_id", [None, an_id()])
@pytest.mark.parametrize("kind", [None, MediaKind.GIF])
@pytest.mark.parametrize("category", [None, "wheels"])
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

    await repositories.media_items.list_page(filters, 20, 10)
    await repositories.media_items.list_after(filters, Cursor(NOW, an_id()), 10)
    await repositories.media_items.count(filters, 10_001)

    assert [plan for plan in plans if " media_items " in plan] == [
        f"SEARCH media_items USING INDEX {index} ({found})",
        f"SEARCH media_items USING INDEX {index} ({found} AND (created_at,id)<(?,?))",
        # Counting reads no row.
        f"SEARCH media_items USING COVERING INDEX {index} ({found})",
    ]
    assert [plan for plan in plans if "TEMP B-TREE" in plan] == []


KEYS: Final = {"id=?", "rowid=?"}
RANGES: Final = {
    "phone_verifications.delete_expired": {"expires_at<?"},
    "phone_verifications.prune": {"client_ips_expire_at<?"},
    "rate_limiter.delete_expired": {"expires_at<?"},
    "identities.find_by_username": {"username_key=?"},
    "identities.list_unpurged": {"deleted_at>?"},
    "identities.list_with_username": {"deleted_at<?"},
    "media_items.list_page": {"state=?"},
    "media_items.list_after": {"state=? AND (created_at,id)<(?,?)"},
    "media_items.count": {"state=?"},
    "media_items.list_owned_by": {"state=? AND owner_id=?"},
    "media_items.list_expired_uploads": {"upload_deadline<?"},
    "media_items.list_deleting": {"deletion_requested_at<?"},
    "media_items.list_refused_deletions": {"state=?"},
    "media_items.list_by_id": {"id>?"},
    "media_items.list_ready_sizes": {"state=? AND owner_id=?"},
    "media_items.list_deleting_ids": {"state=? AND owner_id=?"},
    "media_usages.list_due": {"recount_at<?"},
    "idempotency_keys.delete_expired": {"expires_at<?"},
    "calls.list_after": {"(started_at,id)<(?,?)"},
    "calls.list_after of an identity": {"identity_id=?"},
    "calls.list_started": {"started_at<?"},
    "calls.list_of_identity": {"identity_id=?"},
    "calls.list_recorded": {"oldest_recording_at<?"},
    "calls.list_unfinished": {"unfinished_since<?"},
    "identities.list_expired": {"expires_at<?"},
    "delivery_reports.delete_expired": {"expires_at<?"},
}
"""What each operation reads, besides records by their keys."""
# One row, the ids that were listed, and the range that is counted.
SCANS: Final = ("SCAN CONSTANT ROW", "SCAN json_each", "SCAN (subquery-1)")


async def test_every_other_statement_reads_records_by_their_keys_or_a_range_of_an_index(
    repositories: Repositories, plans: list[str]
) -> None:
    for name, operation in OPERATIONS.items():
        plans.clear()
        await operation(repositories)

        searches = [plan for plan in plans if plan.startswith("SEARCH")]
        read = {plan.partition("(")[2].removesuffix(")") for plan in searches}
        assert read - KEYS == RANGES.get(name, set()), name
        scans = [plan for plan in plans if plan.startswith(("SCAN", "USE TEMP B-TREE"))]
        assert [scan for scan in scans if not scan.startswith(SCANS)] == [], name
