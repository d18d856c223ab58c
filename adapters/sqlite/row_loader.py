"""Rows that are requested at about the same time are read by one statement."""

import asyncio
import sqlite3
from typing import Any, Final

import msgspec

from adapters.sqlite.database import Database
from application.ports.errors import StorageUnavailable

RecordRow = tuple[int, int, str]
"""Version, schema version and body of a record."""

_decode_rows: Final = msgspec.json.Decoder(list[tuple[str, int, int, str]]).decode


class RowLoader:
    """Loads records by key, in batches.

    Each step of a statement gives up the interpreter's lock, and then the thread of the server
    takes it. So rows that are requested in the same iteration of the event loop are read together,
    as one JSON text in one row.

    - Nothing is cached, and no row is read before it is requested.
    - Where the batch fails, each row is read on its own, so that it has its own error.
    """

    def __init__(self, database: Database, table: str, key: str) -> None:
        """Set the table, and its column that identifies a row."""
        self._database = database
        self._find = f"SELECT version, schema_version, body FROM {table} WHERE {key} = ?"  # noqa: S608 -- our names
        self._find_many = (
            f"SELECT json_group_array(json_array({key}, version, schema_version, body))"  # noqa: S608 -- our names
            f" FROM {table} WHERE {key} IN (SELECT value FROM json_each(?))"
        )
        self._requests: list[tuple[str, asyncio.Future[RecordRow | None]]] = []

    async def load(self, key: str) -> RecordRow | None:
        """Return the row, or None.

        Raises:
            StorageError
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[RecordRow | None] = loop.create_future()
        if not self._requests:
            loop.call_soon(self._read_requested)
        self._requests.append((key, result))
        try:
            return await result
        except (sqlite3.Error, StorageUnavailable):
            row: RecordRow | None = await self._database.fetch_one(self._find, (key,))
            return row

    def _read_requested(self) -> None:
        requests, self._requests = self._requests, []
        try:
            rows = self._read([key for key, _ in requests])
        except Exception as error:  # noqa: BLE001 -- it goes to all who wait
            for _, result in requests:
                if not result.done():
                    result.set_exception(error)
            return
        for key, result in requests:
            if not result.done():
                result.set_result(rows.get(key))

    def _read(self, keys: list[str]) -> dict[str, RecordRow]:
        if len(keys) == 1:
            row: RecordRow | None = self._execute(self._find, keys[0])
            return {keys[0]: row} if row else {}
        text = self._execute(self._find_many, msgspec.json.encode(keys).decode())
        return {
            key: (version, schema, body) for key, version, schema, body in _decode_rows(text[0])
        }

    def _execute(self, sql: str, value: str) -> Any:
        return self._database.read_here(
            lambda connection: connection.execute(sql, (value,)).fetchone()
        )
