"""Every query is a range of an index, and nothing is sorted after it was read.

The tests explain the statements that the adapter sent, on tables with statistics and with the
settings of a new server.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

import psycopg
import pytest
import pytest_asyncio
from psycopg.types.numeric import Int8

from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.dialect import POSTGRES
from adapters.databases.postgres.limit_store import _LOCK, _SAVE
from adapters.databases.postgres.opening import open_postgres_database, stores_in
from adapters.databases.postgres.row_writer import _replace_all
from adapters.databases.records.database import Database
from adapters.databases.records.features.media import ITEM_PAGES, MEDIA_ITEMS
from adapters.databases.records.kinds import ALL_USERNAMES, IDENTITIES
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import EXPIRES_AT, RecordKind
from adapters.databases.records.record_store import BatchWrites
from adapters.databases.sql.schema import column_types
from entrypoints.composition.features import KINDS
from tests.contract.suites.storage.test_storage_errors import OPERATIONS
from tests.integration.adapters.databases.index_searches import INDEXES, searches_in, values_of
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import open_postgres_repositories
from tests.support.servers.postgres import PostgresServer

ROWS: Final = 3_000
MIDDLE: Final = NOW + timedelta(minutes=ROWS // 2)
# Of a usual size, and no compression makes it smaller.
_BODY: Final = """
jsonb_build_object(
    'content',
    (SELECT jsonb_agg(md5(n::text || part::text)) FROM generate_series(1, 30) AS part)
)
"""
Plan = Mapping[str, Any]

# All tests share one connection: to open one takes longer than most of them.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@dataclass
class LoggedDatabase:
    """Sends statements, and explains them. It is in the place of a `PostgresDatabase`."""

    connection: psycopg.AsyncConnection[Any]
    batches: list[Any] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

    async def read(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        await self.explain(sql, values)
        return []

    async def read_number(self, sql: str, values: Sequence[object] = ()) -> int:
        await self.explain(sql, values)
        return 0

    async def write(self, sql: str, values: Sequence[object] = ()) -> int:
        await self.explain(sql, values)
        return 0

    async def wait(self, call: Any, error: Any) -> Any:
        return await call()

    async def run(self, call: Any) -> Any:
        raise NotImplementedError

    async def explain(self, sql: str, values: Sequence[object]) -> None:
        cursor = await self.connection.execute(f"EXPLAIN (FORMAT JSON) {sql}", values)
        [(explained,)] = await cursor.fetchall()
        self.plans.append(explained[0]["Plan"])


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with enough rows of each kind that indexes differ in their cost."""
    name = f"plans_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    database_url = postgres_server.database_url(name)
    asyncio.run(create(database_url))
    with psycopg.connect(database_url, autocommit=True) as connection:
        for kind in (*KINDS, LIMITS):
            connection.execute(fill(kind), {"now": NOW, "rows": ROWS})
        connection.execute("VACUUM ANALYZE")
    yield database_url
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def create(url: str) -> None:
    async with open_postgres_repositories(url):
        pass


def fill(kind: RecordKind[Any]) -> str:
    """Add rows that have all columns, or every second one of those that may be missing."""
    # An index without an order is for values that a record or a few have.
    rare = {name for index in kind.indexes if not index.order for name in index.equal}
    names, values = ["id", "version", "body"], ["lpad(n::text, 5, '0')", "1", _BODY]
    for position, (name, column_type) in enumerate(column_types(POSTGRES, kind).items()):
        value = "'value ' || n % 3"
        if column_type.startswith("timestamptz"):
            value = "%(now)s::timestamptz + n * interval '1 minute'"
        elif name in rare:
            value = "'value ' || n"
        elif name == "state":
            value = "CASE WHEN n %% 5 = 0 THEN 'pending' ELSE 'ready' END"
        value = value.replace("n % 3", "n %% 3")
        if "NOT NULL" not in column_type and position % 2 == 0:
            value = f"CASE WHEN n %% 2 = 1 THEN {value} END"
        names.append(name)
        values.append(value)
    return f"""
    INSERT INTO {kind.name} ({", ".join(names)}) SELECT {", ".join(values)}
    FROM generate_series(1, %(rows)s) AS n
    """  # noqa: S608


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def logged(url: str) -> AsyncIterator[LoggedDatabase]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        yield LoggedDatabase(connection)


@pytest.fixture
def database(logged: LoggedDatabase) -> Database:
    stand_in: Any = logged
    assert {"read", "read_number", "write", "run", "wait"} <= set(dir(PostgresDatabase))
    return stores_in(stand_in)


async def plans_of(logged: LoggedDatabase, call: Awaitable[object]) -> list[Plan]:
    logged.plans.clear()
    # There are no rows to unpack.
    await asyncio.gather(call, return_exceptions=True)
    return [*logged.plans]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def indexes(plan: Plan) -> list[str]:
    """Return the indexes that are read; no scan of a table and no sort is allowed."""
    types = {node["Node Type"] for node in nodes(plan)}
    assert not {"Seq Scan", "Sort", "Incremental Sort", "Bitmap Heap Scan"} & types
    return [node["Index Name"] for node in nodes(plan) if "Index Name" in node]


async def test_each_search_is_one_range_of_its_index(
    logged: LoggedDatabase, database: Database
) -> None:
    for kind, index in INDEXES:
        for search in searches_in(database.records, kind, index, ROWS):
            [plan] = await plans_of(logged, search)
            assert indexes(plan) == [index.name]
            # All conditions limit the range. None is a filter of what was read.
            assert not [node for node in nodes(plan) if "Filter" in node], index.name


async def test_a_count_reads_an_index_alone(logged: LoggedDatabase, database: Database) -> None:
    for kind, index in [*INDEXES, (IDENTITIES, ALL_USERNAMES)]:
        [plan] = await plans_of(logged, database.records.count(kind, index, values_of(index), 100))

        assert indexes(plan) == [index.name]
        assert "Index Only Scan" in {node["Node Type"] for node in nodes(plan)}, index.name


async def test_a_total_of_a_large_table_is_estimated(url: str) -> None:
    fingerprint = FakePhoneEncryption().key_fingerprint()
    async with open_postgres_database(url, fingerprint) as database:
        # No row has this state, and only a count knows that.
        count = partial(database.records.count, MEDIA_ITEMS, ITEM_PAGES[()], ["none"])

        assert isinstance(database.records, BatchWrites)
        assert await database.records.estimate_size(MEDIA_ITEMS) == ROWS
        assert await count(ROWS // 3, may_estimate=True) == ROWS // 3
        assert await count(ROWS // 2, may_estimate=True) == 0
        assert await count(ROWS // 3) == 0


async def test_expired_records_are_found_by_their_index(
    logged: LoggedDatabase, database: Database
) -> None:
    for kind in [kind for kind in (*KINDS, LIMITS) if kind.expires]:
        [plan] = await plans_of(
            logged,
            database.limits.delete_expired(MIDDLE, 10)
            if kind is LIMITS
            else database.records.delete_expired(kind, MIDDLE, 10),
        )

        assert set(indexes(plan)) <= {kind.find_index(EXPIRES_AT).name, f"{kind.name}_pkey"}


async def test_a_batch_of_limits_reads_rows_by_their_ids(logged: LoggedDatabase) -> None:
    ids = [f"{number:05}" for number in range(20)]
    logged.plans.clear()

    await logged.explain(_LOCK, (ids,))
    await logged.explain(_SAVE, (ids, [NOW] * 20, ["{}"] * 20))

    locked, saved = logged.plans
    names = [node.get("Index Name") for plan in (locked, saved) for node in nodes(plan)]
    assert {*names} - {None} == {"limits_pkey"}
    assert "Seq Scan" not in {node["Node Type"] for plan in (locked, saved) for node in nodes(plan)}


async def test_a_batch_of_replacements_reads_rows_by_their_ids(logged: LoggedDatabase) -> None:
    ids, versions = [f"{number:05}" for number in range(20)], [Int8(1)] * 20
    for kind in KINDS:
        columns = [[None] * 20 for _ in kind.indexed_fields]
        logged.plans.clear()

        await logged.explain(
            _replace_all(kind, kind.field_names), [*columns, ["{}"] * 20, ids, versions]
        )

        read = [node for node in nodes(logged.plans[0]) if node.get("Relation Name")]
        assert {node.get("Index Name", node["Node Type"]) for node in read} <= {
            f"{kind.name}_pkey",
            "ModifyTable",
        }


async def test_every_other_statement_reads_rows_by_their_ids(
    logged: LoggedDatabase, database: Database
) -> None:
    others = ("records.find", "records.count", "records.delete_expired", "limits.delete_expired")
    for name, operation in OPERATIONS.items():
        if not name.startswith(others):
            for plan in await plans_of(logged, operation(database)):
                used = {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
                assert all(index.endswith("_pkey") for index in used), name
                assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}, name
