"""Whether each administrator has a passkey, where all staff needs one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from adapters.records.identities import IdentityRecord
from adapters.records.kinds import ADMINISTRATORS, IDENTITIES
from adapters.records.record_store import IndexPosition, RecordStore
from entrypoints.opening.database import check_database_extra, open_database
from entrypoints.opening.keys import load_encryption
from entrypoints.opening.startup_error import StartupError
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory, MongoLocation, PostgresLocation, SqliteLocation

_PAGE_SIZE: Final = 100
_MAX_NAMED: Final = 20


async def check_administrators(settings: Settings) -> str:
    """Check that each administrator has a passkey; return a note.

    A blocked one does not count. A database that does not exist yet is not created.

    Raises:
        StartupError: One has none, or there are no keys.
        ConfigurationError, PortError: The database cannot be read.
    """
    encryption = await load_encryption(settings)
    if encryption is None:
        raise StartupError("there are no keys to open the database with")
    if not await _exists(settings, encryption.key_fingerprint()):
        return "the database is new, and has no administrators"
    async with open_database(settings, encryption) as database:
        without = [each.id async for each in _list(database.records) if not each.passkeys]
    if without:
        raise AdministratorsWithoutPasskey(without)
    return "each administrator has a passkey"


class AdministratorsWithoutPasskey(StartupError):
    """All staff needs a passkey, and these administrators have none."""

    def __init__(self, ids: Sequence[str]) -> None:
        more = f" and {len(ids) - _MAX_NAMED} more" if len(ids) > _MAX_NAMED else ""
        super().__init__(
            "DIALTONE_STAFF_PASSKEYS must not be required while administrators have no passkey: "
            f"{', '.join(ids[:_MAX_NAMED])}{more}. Make a link for each with `dialtone user "
            "passkey-invite`, or demote them with `dialtone user demote`."
        )


async def _exists(settings: Settings, fingerprint: str) -> bool:
    check_database_extra(settings)
    match settings.database:
        case SqliteLocation(path=path):
            from adapters.sqlite import inspect_file

            return await asyncio.to_thread(inspect_file, path, fingerprint) is not None
        case PostgresLocation(url=url):
            from adapters import postgres

            return (await postgres.inspect_database(url, fingerprint)).schema_version is not None
        case MongoLocation(url=url):
            from adapters.mongo import inspect_database

            return await inspect_database(url, fingerprint) is not None
        case Factory():
            return True


async def _list(records: RecordStore) -> AsyncIterator[IdentityRecord]:
    after: IndexPosition | None = None
    while True:
        page = await records.find(IDENTITIES, ADMINISTRATORS, after=after, limit=_PAGE_SIZE)
        for stored in page:
            if stored.record.blocked_at is None:
                yield stored.record
        if len(page) < _PAGE_SIZE:
            return
        after = IndexPosition(page[-1].record.created_at, page[-1].id)
