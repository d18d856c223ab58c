"""Every query is a range of an index, and nothing is sorted after it was read.

The tests explain the statements that the adapter sent, on tables with statistics and with the
settings of a new server.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
import pytest_asyncio

from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.dialect import POSTGRES
from adapters.databases.postgres.opening import open_postgres_database, stores_in
from adapters.databases.records.database import Database
from adapters.databases.records.kinds import ALL_USERNAMES, IDENTITIES
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import EXPIRES_AT, RecordKind
from adapters.databases.sql.schema import column_types
from entrypoints.composition.features import KINDS
from tests.contract.suites.storage.test_storage_errors import OPERATIONS
from tests.integration.adapters.databases.index_searches import INDEXES, searches_in, values_of
from tests.support.builders import NOW
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
class ExplainedDatabase:
    """Explains statements instead of executing them. It is in the place of a `PostgresDatabase`."""

    connection: psycopg.AsyncConnection[Any]
    batches: list[Any] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

    async def read(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        await self.explain(sql, values)
        return []

    async def read_number(self, sql: str, values: Sequence[object] = ()) -> int:
        await self.explain(sql, values)
        return 0

    write = read_number

    async def wait(self, call: Any, error: Any) -> Any:
        return await call()

    async def run(self, call: Any) -> Any:
        raise NotImplementedError

    async def explain(self, sql: str, values: Sequence[object]) -> None:
        cursor = await self.connection.execute(f"EXPLAIN (FORMAT JSON) {sql}", values)
        [(explained,)] = await cursor.fetchall()
        self.plans.append(explained[0]["Plan"])

    async def plans_of(self, call: Awaitable[object]) -> list[Plan]:
        self.plans.clear()
        # There are no rows to unpack.
        await asyncio.gather(call, return_exceptions=True)
        return [*self.plans]


def fill(kind: RecordKind[Any]) -> str:
    """Add rows that have all columns, or every second one of those that may be missing."""
    # An index without an order is for values that a record or a few have.
    rare = {name for index in kind.indexes if not index.order for name in index.equal}
    names, values = ["id", "version", "body"], ["lpad(n::text, 5, '0')", "1", _BODY]
    for position, (name, column_type) in enumerate(column_types(POSTGRES, kind).items()):
        value = "'value ' || n %% 3"
        if column_type.startswith("timestamptz"):
            value = "%(now)s::timestamptz + n * interval '1 minute'"
        elif name in rare:
            value = "'value ' || n"
        elif name == "state":
            value = "CASE WHEN n %% 5 = 0 THEN 'pending' ELSE 'ready' END"
        if "NOT NULL" not in column_type and position % 2 == 0:
            value = f"CASE WHEN n %% 2 = 1 THEN {value} END"
        names.append(name)
        values.append(value)
    return f"""
    INSERT INTO {kind.name} ({", ".join(names)}) SELECT {", ".join(values)}
    FROM generate_series(1, %(rows)s) AS n
    """  # noqa: S608


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def explained(postgres_server: PostgresServer) -> AsyncIterator[ExplainedDatabase]:
    """A database with enough rows of each kind that indexes differ in their cost."""
    name = f"plans_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    url = postgres_server.database_url(name)
    async with open_postgres_database(url, "keys"):
        pass
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for kind in (*KINDS, LIMITS):
            await connection.execute(fill(kind), {"now": NOW, "rows": ROWS})
        await connection.execute("VACUUM ANALYZE")
        yield ExplainedDatabase(connection)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(explained: ExplainedDatabase) -> Database:
    stand_in: Any = explained
    assert {"read", "read_number", "write", "run", "wait"} <= set(dir(PostgresDatabase))
    return stores_in(stand_in)


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def indexes(plan: Plan) -> set[str]:
    """Return the indexes that are read; no scan of a table and no sort is allowed."""
    types = {node["Node Type"] for node in nodes(plan)}
    assert not {"Seq Scan", "Sort", "Incremental Sort", "Bitmap Heap Scan"} & types
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}


async def test_each_search_is_one_range_of_its_index(
    explained: ExplainedDatabase, database: Database
) -> None:
    for kind, index in INDEXES:
        for search in searches_in(database.records, kind, index, ROWS):
            [plan] = await explained.plans_of(search)
            assert indexes(plan) == {index.name}
            # All conditions limit the range. None is a filter of what was read.
            assert not [node for node in nodes(plan) if "Filter" in node], index.name


async def test_a_count_reads_an_index_alone(
    explained: ExplainedDatabase, database: Database
) -> None:
    for kind, index in [*INDEXES, (IDENTITIES, ALL_USERNAMES)]:
        count = database.records.count(kind, index, values_of(index), 100)
        [plan] = await explained.plans_of(count)

        assert indexes(plan) == {index.name}
        assert "Index Only Scan" in {node["Node Type"] for node in nodes(plan)}, index.name


async def test_what_has_expired_is_found_by_its_index(
    explained: ExplainedDatabase, database: Database
) -> None:
    for kind in [kind for kind in (*KINDS, LIMITS) if kind.expires]:
        [plan] = await explained.plans_of(
            database.limits.delete_expired(MIDDLE, 10)
            if kind is LIMITS
            else database.records.delete_expired(kind, MIDDLE, 10),
        )

        assert indexes(plan) <= {kind.find_index(EXPIRES_AT).name, f"{kind.name}_pkey"}


async def test_every_other_statement_reads_rows_by_their_ids(
    explained: ExplainedDatabase, database: Database
) -> None:
    others = ("records.find", "records.count", "records.delete_expired", "limits.delete_expired")
    for name, operation in OPERATIONS.items():
        if not name.startswith(others):
            for plan in await explained.plans_of(operation(database)):
                assert all(index.endswith("_pkey") for index in indexes(plan)), name
