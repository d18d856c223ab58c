"""Repositories over a database that a test opens."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from adapters.mongo import open_mongo_database
from adapters.postgres import open_postgres_database
from adapters.records.database import Database
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.repositories import make_repositories
from adapters.sqlite import open_sqlite_database
from application.ports.repositories import Repositories
from tests.support.fakes.phone_encryption import FakePhoneEncryption


@asynccontextmanager
async def open_repositories(
    database: AbstractAsyncContextManager[Database], encryption: PhoneEncryption
) -> AsyncIterator[Repositories]:
    async with database as opened:
        yield make_repositories(opened, encryption)


def open_sqlite_repositories(
    path: Path, encryption: PhoneEncryption | None = None
) -> AbstractAsyncContextManager[Repositories]:
    encryption = encryption or FakePhoneEncryption()
    return open_repositories(open_sqlite_database(path, encryption.key_fingerprint()), encryption)


def open_mongo_repositories(
    url: str, encryption: PhoneEncryption | None = None
) -> AbstractAsyncContextManager[Repositories]:
    encryption = encryption or FakePhoneEncryption()
    return open_repositories(open_mongo_database(url, encryption.key_fingerprint()), encryption)


def open_postgres_repositories(
    url: str, encryption: PhoneEncryption | None = None
) -> AbstractAsyncContextManager[Repositories]:
    encryption = encryption or FakePhoneEncryption()
    return open_repositories(open_postgres_database(url, encryption.key_fingerprint()), encryption)
