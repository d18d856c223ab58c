"""Writes rows by id: those that arrive together go out in one statement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.dialect import POSTGRES, unknown_fields
from adapters.databases.postgres.driver import PostgresConnection
from adapters.databases.postgres.sessions import Values
from adapters.databases.records.batches import BatchQueue, Entry
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.sql.schema import column_types
from adapters.databases.sql.statements import statements_of
from application.ports.errors import StorageTimeout, UniqueViolation

# ruff: noqa: S608 -- the names are ours
_TAKEN: Final = "ids or unique values of several records are taken"


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement of a row, and of several.

    Attributes:
        together: The one that writes several, from lists of the same values. It returns ids and
            versions of those that it wrote.
        id_position: Where a row has its id, and then its version.
    """

    alone: str
    together: str
    id_position: int
    is_addition: bool

    def key_of(self, row: Values) -> Values:
        return tuple(row[self.id_position :][:2])


def _statements_of(kind: RecordKind[Any]) -> Sequence[_Statement]:
    alone = statements_of(POSTGRES, kind)
    names = kind.field_names
    once = {kind.written_once} if kind.written_once else set[str]()
    return [
        _Statement(alone.add, _add_all(kind), 0, is_addition=True),
        *(
            _Statement(sql, _replace_all(kind, replaced), -2, is_addition=False)
            for sql, replaced in ((alone.replace, names), (alone.replace_once, names - once))
        ),
    ]


def _add_all(kind: RecordKind[Any]) -> str:
    columns = ["id", "version", *kind.indexed_fields]
    listed = ", ".join(columns)
    return f"""
    INSERT INTO {kind.name} ({listed}, body) SELECT {listed}, body::jsonb
    FROM {_lists_of(kind, [*columns, "body"])} ORDER BY id COLLATE "C"
    ON CONFLICT DO NOTHING RETURNING id, version
    """


def _replace_all(kind: RecordKind[Any], names: Collection[str]) -> str:
    """Return the statement that replaces the fields with these names.

    It locks the rows in the order of their ids. So a batch that waits for a row holds none that the
    other one may wait for.
    """
    table = kind.name
    columns = "".join(f"{column} = given.{column}, " for column in kind.indexed_fields)
    given = _lists_of(kind, [*kind.indexed_fields, "body", "id", "version"])
    return f"""
    WITH given AS MATERIALIZED (SELECT * FROM {given}),
    locked AS MATERIALIZED (
        SELECT id FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM given)) ORDER BY id FOR UPDATE
    )
    UPDATE {table} SET version = {table}.version + 1, {columns}
        body = given.body::jsonb || {unknown_fields(table, names)}
    FROM given WHERE {table}.id = given.id AND {table}.version = given.version
        AND {table}.id = ANY(ARRAY(SELECT id FROM locked))
    RETURNING given.id, given.version
    """


def _lists_of(kind: RecordKind[Any], names: Sequence[str]) -> str:
    types = {"id": "text", "version": "bigint", "body": "text"} | {
        name: column_type.split()[0] for name, column_type in column_types(POSTGRES, kind).items()
    }
    lists = ", ".join(f"%b::{types[name]}[]" for name in names)
    return f"unnest({lists}) AS given ({', '.join(names)})"


class RowWriter:
    """Adds and replaces rows of a table, in batches."""

    def __init__(self, database: PostgresDatabase, kind: RecordKind[Any]) -> None:
        self._database = database
        self._queues = {
            statement.alone: BatchQueue[Values, bool](
                partial(self._write_all, statement), kind.name
            )
            for statement in _statements_of(kind)
        }
        database.batches.extend(self._queues.values())

    async def write(self, sql: str, row: Values) -> bool:
        """Execute a statement of the kind that writes a row; return whether it was written."""
        if queue := self._queues.get(sql):
            return await self._database.wait(lambda: queue.add(row), StorageTimeout)
        return await self._database.write(sql, row) > 0

    async def _write_all(
        self, statement: _Statement, entries: Sequence[Entry[Values, bool]]
    ) -> None:
        if len(entries) == 1:
            [entry] = entries
            entry.resolve(await self._database.write(statement.alone, entry.content) > 0)
            return
        # Only one entry of an id and version can win.
        first = {statement.key_of(entry.content): entry for entry in reversed(entries)}
        columns = zip(*(entry.content for entry in first.values()), strict=True)
        written = await self._execute(statement.together, [[*column] for column in columns])
        for entry in entries:
            key = statement.key_of(entry.content)
            if key in written or not statement.is_addition:
                entry.resolve(key in written and first[key] is entry)
        if any(entry.is_wanted for entry in entries):
            # A statement of one row says whether it is its id that is taken.
            raise UniqueViolation(_TAKEN)

    async def _execute(self, sql: str, columns: Sequence[list[object]]) -> set[Values]:
        async def execute(connection: PostgresConnection) -> set[Values]:
            cursor = await self._database.sessions.execute(connection, sql, columns)
            return {*await cursor.fetchall()}

        return await self._database.run(execute)
