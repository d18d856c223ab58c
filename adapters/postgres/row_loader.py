"""Loads rows by id: those that are wanted together in one statement."""

from collections.abc import Collection, Mapping, Sequence

from adapters.postgres.database import PostgresDatabase
from adapters.postgres.statements import load
from adapters.postgres.texts import decode_json, decode_text, encode_text
from adapters.records.batch_loader import BatchLoader
from application.ports.errors import StorageUnavailable

LoadedRow = tuple[int, str]
"""The version of a row, and its body."""


class RowLoader:
    """Loads rows of a table by id, in batches."""

    def __init__(self, database: PostgresDatabase, table: str, version: str = "version") -> None:
        """Set the table, and the column or the expression of the version."""
        self._database = database
        self._sql = load(table, version)
        self._loader = BatchLoader(self._fetch)
        database.batches.append(self._loader)

    async def load_many(self, row_ids: Collection[str]) -> Mapping[str, LoadedRow]:
        """Return the rows that exist, by id.

        Raises:
            StorageError
        """
        return await self._database.wait(
            lambda: self._loader.load_many(row_ids), StorageUnavailable
        )

    async def _fetch(self, row_ids: Sequence[str]) -> Mapping[str, LoadedRow]:
        rows = await self._database.read(self._sql, ([*map(encode_text, row_ids)],))
        return {decode_text(row_id): (version, decode_json(body)) for row_id, version, body in rows}
