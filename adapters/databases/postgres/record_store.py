"""Statements of records."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from adapters.databases.postgres.database import PostgresDatabase
from adapters.databases.postgres.dialect import POSTGRES, decode_text
from adapters.databases.postgres.row_loader import LoadedRow, RowLoader, read_rows
from adapters.databases.postgres.row_writer import RowWriter
from adapters.databases.records.all_kinds import all_kinds
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.sql.record_store import SqlRecordStore, Values
from application.ports.errors import CorruptRecord, UniqueViolation


def make_record_store(database: PostgresDatabase) -> SqlRecordStore:
    """Return the store over a database."""
    return SqlRecordStore(PostgresRows(database), POSTGRES)


class PostgresRows:
    """Executes the statements of records: see `adapters.databases.sql.record_store.Rows`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._loaders = {kind.name: RowLoader(database, kind.name) for kind in all_kinds()}
        self._writers = {kind.name: RowWriter(database, kind) for kind in all_kinds()}

    async def load(
        self, kind: RecordKind[Any], row_ids: Collection[str], /
    ) -> Mapping[str, LoadedRow]:
        return await self._loaders[kind.name].load_many(row_ids)

    async def list_rows(
        self,
        _: RecordKind[Any],
        sql: str,
        values: Values,
        /,
        *,
        newest_first: bool = False,  # noqa: ARG002 -- the statement has the order
    ) -> Iterable[tuple[str, int | None, str | None]]:
        try:
            return read_rows(await self._database.read(sql, values))
        except CorruptRecord as error:
            found = await self._database.read(f"SELECT id FROM ({sql}) AS found", values)  # noqa: S608 -- our texts
            if len(found) == 1:  # the driver cannot decode it, and does not say which one it is
                raise error.of_record(decode_text(found[0][0])) from None
            raise

    async def read(self, sql: str, values: Values = (), /) -> Sequence[Sequence[Any]]:
        return await self._database.read(sql, values)

    async def read_number(self, sql: str, values: Values = (), /) -> int:
        return await self._database.read_number(sql, values)

    async def write(self, sql: str, values: Values, /) -> int:
        return await self._database.write(sql, values)

    async def write_many(self, sql: str, rows: Sequence[Values], /) -> int:
        sessions = self._database.sessions
        return await self._database.run(
            lambda connection: sessions.execute_many(connection, sql, rows)
        )

    async def add(self, kind: RecordKind[Any], sql: str, values: Values, /) -> bool:
        try:
            return await self._writers[kind.name].write(sql, values)
        except UniqueViolation:
            # A concurrent addition may have the same id and the same values; PostgreSQL does not
            # promise which index it compares first.
            if await self.load(kind, [decode_text(str(values[0]))]):
                return False
            raise

    async def change(self, kind: RecordKind[Any], sql: str, values: Values, /) -> bool:
        return await self._writers[kind.name].write(sql, values)
