"""A PostgreSQL database that explains statements instead of executing them.

It has tables with statistics, and the settings of a new server.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

import psycopg
import pytest

from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.dialect import POSTGRES
from adapters.databases.postgres.opening import open_postgres_database, stores_in
from adapters.databases.records.database import Database
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.sql.schema import column_types
from tests.integration.adapters.databases.query_plans import ALL_KINDS, ID, Explained
from tests.support.builders import NOW

ROWS: Final = 3_000
# Of a usual size, and no compression makes it smaller.
_BODY: Final = """
jsonb_build_object(
    'content',
    (SELECT jsonb_agg(md5(n::text || part::text)) FROM generate_series(1, 30) AS part)
)
"""
Plan = Mapping[str, Any]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def indexes_in(plan: Plan) -> set[str]:
    types = {node["Node Type"] for node in nodes(plan)}
    assert not {"Seq Scan", "Sort", "Incremental Sort", "Bitmap Heap Scan"} & types, plan
    names = {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
    return {ID if name.endswith("_pkey") else name for name in names}


@dataclass
class ExplainedPostgres:
    """It is in the place of a `PostgresDatabase`."""

    connection: psycopg.AsyncConnection[Any]
    batches: list[Any] = field(default_factory=list)
    plans: list[set[str]] = field(default_factory=list)

    @property
    def database(self) -> Database:
        assert {"read", "read_number", "write", "run", "wait"} <= set(dir(PostgresDatabase))
        return stores_in(cast("Any", self))

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
        plan = explained[0]["Plan"]
        # All conditions of a search limit the range. None is a filter of what was read.
        if "OFFSET" in sql:
            assert not [node for node in nodes(plan) if "Filter" in node], plan
        self.plans.append(indexes_in(plan))

    async def plans_of(self, call: Awaitable[object]) -> list[set[str]]:
        self.plans.clear()
        # There are no rows to unpack.
        [outcome] = await asyncio.gather(call, return_exceptions=True)
        if isinstance(outcome, AssertionError):
            raise outcome
        return [*self.plans]


def fill(kind: RecordKind[Any]) -> str:
    """Add rows that have all columns, or every second one of those that may be missing."""
    # An index without an order is for values that a record or a few have.
    rare = {name for index in kind.indexes if not index.order for name in index.equal}
    names, values = ["id", "version", "body"], ["lpad(n::text, 5, '0')", "1", _BODY]
    for position, (name, column_type) in enumerate(column_types(POSTGRES, kind).items()):
        value = "'value ' || n %% 3"
        if column_type.startswith("timestamptz"):
            value = "%(now)s::timestamptz + n * interval '6 seconds'"
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


@asynccontextmanager
async def explain_postgres(request: pytest.FixtureRequest) -> AsyncIterator[Explained]:
    server, name = request.getfixturevalue("postgres_server"), f"plans_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name}")
    url = server.database_url(name)
    async with open_postgres_database(url, "keys"):
        pass
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for kind in ALL_KINDS:
            await connection.execute(fill(kind), {"now": NOW, "rows": ROWS})
        await connection.execute("VACUUM ANALYZE")
        yield ExplainedPostgres(connection)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")
