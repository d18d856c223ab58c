from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from adapters.sqlite.budgets import SqliteBudgets
from adapters.sqlite.connection import connect_to_read
from adapters.sqlite.database import Database
from adapters.sqlite.identities import SqliteIdentities
from adapters.sqlite.identity_row import IdentityRows
from adapters.sqlite.lane import open_lane
from adapters.sqlite.media_items import SqliteMediaItems
from adapters.sqlite.media_leftovers import SqliteMediaLeftovers
from adapters.sqlite.media_pages import SqliteMediaPages
from adapters.sqlite.opened_file import OpenedFile
from adapters.sqlite.phone_records import SqlitePhoneRecords
from adapters.sqlite.probe import SqliteProbe
from adapters.sqlite.tombstones import SqliteTombstones
from application.ports.phone_encryption import PhoneEncryption
from application.ports.repositories import Repositories


@asynccontextmanager
async def open_sqlite_records(path: Path, seal: PhoneEncryption) -> AsyncIterator[Repositories]:
    """Open the records in this file, made if it is missing.

    At the end of the block work under way is finished and the file is whole by itself.

    Raises:
        DatabaseNotUsable: it cannot be used; the text is for the operator.
    """
    file = OpenedFile(path, seal.key_fingerprint())
    # The writer's connection is closed last: the last one moves the log into the file.
    async with (
        open_lane("writer", file.connect, file.commit_together) as writer,
        open_lane("reader", partial(connect_to_read, path), file.read_together) as reader,
    ):
        yield records_in(Database(reader, writer), seal)


def records_in(database: Database, seal: PhoneEncryption) -> Repositories:
    """All record ports over one open database."""
    rows = IdentityRows(seal)
    return Repositories(
        phone_verifications=SqlitePhoneRecords(database, seal),
        rate_limiter=SqliteBudgets(database),
        identities=SqliteIdentities(database, rows),
        deleted_identities=SqliteTombstones(database, rows),
        media_items=SqliteMediaItems(database),
        media_pages=SqliteMediaPages(database),
        media_cleanup=SqliteMediaLeftovers(database),
        health=SqliteProbe(database),
    )
