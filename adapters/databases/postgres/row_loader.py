"""Loads rows by id: those that are wanted together in one statement."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from adapters.databases.postgres.database import OTHER_SHAPE, PostgresDatabase
from adapters.databases.postgres.dialect import decode_json, decode_text, encode_text
from adapters.databases.records.batch_loader import BatchLoader
from application.ports.errors import StorageUnavailable

LoadedRow = tuple[int | None, str | None]
"""The version of a row, and its body; a damaged row may lack them."""


def read_rows(rows: Sequence[Any]) -> Iterator[tuple[str, int | None, str | None]]:
    """Yield the decoded id, version and body of each row.

    Raises:
        StorageUnavailable: A row has another shape.
    """
    for row in rows:
        match row:
            case (str() as row_id, int() | None as version, str() | None as body):
                yield decode_text(row_id), version, body and decode_json(body)
            case _:
                raise StorageUnavailable(OTHER_SHAPE)


class RowLoader:
    """Loads rows of a table by id, in batches."""

    def __init__(self, database: PostgresDatabase, table: str) -> None:
        self._database = database
        self._sql = f"SELECT id, version, body::text FROM {table} WHERE id = ANY(%b)"  # noqa: S608 -- our names
        self._loader = BatchLoader(self._fetch, table)
        database.batches.append(self._loader)

    async def load_many(self, row_ids: Collection[str]) -> Mapping[str, LoadedRow]:
        return await self._database.wait(
            lambda: self._loader.load_many(row_ids), StorageUnavailable
        )

    async def _fetch(self, row_ids: Sequence[str]) -> Mapping[str, LoadedRow]:
        rows = await self._database.read(self._sql, ([*map(encode_text, row_ids)],))
        return {row_id: (version, body) for row_id, version, body in read_rows(rows)}
