"""A database as source or target of a copy, over one connection."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import msgspec
from psycopg.errors import IntegrityError, OperationalError
from psycopg.rows import TupleRow
from psycopg.types.numeric import Int8

from adapters.postgres.dialect import POSTGRES
from adapters.postgres.driver import PostgresConnection, port_error, silence_driver
from adapters.postgres.limit_store import next_minute
from adapters.postgres.metadata import check, prepare_database
from adapters.postgres.opening import connect
from adapters.postgres.sessions import Values
from adapters.postgres.texts import decode_json, decode_text, encode_json, encode_text
from adapters.postgres.url import parse_url
from adapters.records.copy_marks import CopyMark, decode_mark, encode_mark
from adapters.records.limits import LIMITS
from adapters.records.raw_records import (
    NOT_ACCEPTED,
    NOT_COMPLETED,
    RawRecord,
    make_raw_record,
    reading,
    to_json,
)
from adapters.records.record_kind import EXPIRES_AT, Fields, RecordKind
from adapters.sql.metadata import METADATA_TABLE, write_copy_mark
from adapters.sql.schema import tables
from adapters.sql.undeclared_tables import has_undeclared
from application.ports.errors import ConfigurationError, StorageUnavailable

CALL_TIMEOUT: Final = 300.0
"""Seconds: the rows of a large table are counted in one call."""
_WEEK: Final = 7 * 86_400.0
_decode: Final = msgspec.json.Decoder(Fields).decode
# ruff: noqa: S608 -- the names are ours
_FIND_MARK: Final = f"SELECT copy_mark FROM {METADATA_TABLE}"
_CHECK_WRITABLE: Final = f"UPDATE {METADATA_TABLE} SET id = id WHERE false"


@asynccontextmanager
async def open_existing(
    url: str, key_fingerprint: str | None
) -> AsyncIterator["PostgresCopy | None"]:
    """Open a database as it is, also beside a service. Yield None if it is new.

    Raises:
        ConfigurationError: It cannot be used.
    """
    async with _connect(url) as (connection, location):
        async with connection.transaction():
            metadata = await check(connection, location, key_fingerprint, is_copy=True)
        database = PostgresCopy(connection, location)
        yield None if metadata is None else database


@asynccontextmanager
async def open_source(url: str, key_fingerprint: str) -> AsyncIterator["PostgresCopy | None"]:
    """Open a database to copy it. Yield None if it is new.

    The records of instances say whether a service uses it.

    Raises:
        ConfigurationError: It cannot be used, or the user may not write the mark.
    """
    async with open_existing(url, key_fingerprint) as source:
        if source is not None:
            await source.check_writable()
        yield source


@asynccontextmanager
async def open_target(url: str, key_fingerprint: str) -> AsyncIterator["PostgresCopy"]:
    """Open a database. Its tables are created if they are missing.

    Raises:
        ConfigurationError: It cannot be used.
    """
    async with _connect(url) as (connection, location):
        await prepare_database(connection, location, key_fingerprint, is_copy=True)
        yield PostgresCopy(connection, location)


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[tuple[PostgresConnection, str]]:
    """Yield a connection, and where it leads to."""
    silence_driver()
    parsed = parse_url(url)
    async with connect(parsed, _WEEK) as connection:
        yield connection, parsed.location


class PostgresCopy:
    """A `CopyableDatabase`."""

    def __init__(self, connection: PostgresConnection, location: str) -> None:
        """Use an open connection to this place."""
        self.location = f"postgresql://{location}"
        self._connection = connection

    async def check_writable(self) -> None:
        """Check that the user may write, and change nothing."""
        with self._calls():
            await self._connection.execute(_CHECK_WRITABLE)

    async def read_mark(self) -> CopyMark | None:
        [(stored,)] = await self._read(_FIND_MARK)
        return decode_mark(stored, self.location)

    async def write_mark(self, mark: CopyMark | None, /) -> None:
        with self._calls():
            values = (encode_mark(mark) if mark else None,)
            await self._connection.execute(write_copy_mark(POSTGRES), values)

    async def list_unknown(self) -> Sequence[str]:
        return sorted(await self._list_tables() - {*tables()})

    async def has_undeclared(self, name: str, /) -> bool:
        return await has_undeclared(self._read, POSTGRES, name)

    async def count(self, kind: RecordKind[Any], /) -> int:
        return int(await self._find_value(kind, "count(*)") or 0)

    async def find_last_id(self, kind: RecordKind[Any], /) -> str:
        return decode_text(await self._find_value(kind, "max(id)") or "")

    async def scan(
        self, kind: RecordKind[Any], after_id: str, limit: int, /
    ) -> Sequence[RawRecord]:
        if kind.name not in await self._list_tables():
            return []
        version = "0" if kind is LIMITS else "version"
        rows = await self._read(
            f"SELECT id, {version}, body::text FROM {kind.name} WHERE id > %s ORDER BY id LIMIT %s",
            (encode_text(after_id), Int8(limit)),
        )
        with reading(kind, self.location):
            return [
                make_raw_record(kind, decode_text(row_id), number, _decode(decode_json(body)))
                for row_id, number, body in rows
            ]

    async def add(self, kind: RecordKind[Any], records: Sequence[RawRecord], /) -> None:
        version = [] if kind is LIMITS else ["version"]
        names = ["id", *version, *kind.indexed_fields, "body"]
        places = ", ".join("%s" for _ in names)
        sql = f"INSERT INTO {kind.name} ({', '.join(names)}) VALUES ({places}::jsonb)"
        rows = [
            (
                encode_text(record.id),
                *(Int8(record.version) for _ in version),
                *(_to_column(kind, name, record.fields.get(name)) for name in kind.indexed_fields),
                encode_json(to_json(kind, record)),
            )
            for record in records
        ]
        try:
            with self._calls():
                async with self._connection.transaction(), self._connection.cursor() as cursor:
                    await cursor.executemany(sql, rows)
        except IntegrityError:
            text = NOT_ACCEPTED.format(kind=kind.name, location=self.location)
            raise ConfigurationError(text) from None

    async def _list_tables(self) -> frozenset[str]:
        return frozenset(name for (name,) in await self._read(POSTGRES.list_tables))

    async def _find_value(self, kind: RecordKind[Any], expression: str) -> Any:
        if kind.name not in await self._list_tables():
            return None
        [(value,)] = await self._read(f"SELECT {expression} FROM {kind.name}")
        return value

    async def _read(self, sql: str, values: Values = ()) -> list[TupleRow]:
        with self._calls():
            cursor = await self._connection.execute(sql, values)
            return [*await cursor.fetchall()]

    @contextmanager
    def _calls(self) -> Iterator[None]:
        """Bound the calls of the block in time.

        Raises:
            StorageError: The server has ended the connection, or has no resources.
        """
        deadline = asyncio.get_running_loop().time() + CALL_TIMEOUT
        try:
            with self._connection.deadline(deadline):
                yield
        except OperationalError as error:
            cause = port_error(error, is_write=False)
            text = NOT_COMPLETED.format(location=self.location, cause=cause)
            raise StorageUnavailable(text) from None


def _to_column(kind: RecordKind[Any], name: str, value: Any) -> Any:
    if kind is LIMITS and name == EXPIRES_AT:
        return next_minute(value)
    return encode_text(value) if isinstance(value, str) else value
