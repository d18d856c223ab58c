"""Repositories over a database that a test opens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import entrypoints.composition.features  # noqa: F401 -- it declares the kinds of records
from adapters.databases.mongo import open_mongo_database
from adapters.databases.postgres import open_postgres_database
from adapters.databases.records.database import Database
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.repositories import make_repositories
from adapters.databases.sqlite import open_sqlite_database
from application.ports.errors import StorageError
from application.ports.repositories import Repositories
from tests.support.fakes.phone_encryption import FakePhoneEncryption


@dataclass(frozen=True, slots=True)
class OpenRepositories(Repositories):
    """The repositories of the core, and the stores of which features make theirs."""

    stores: Database


def with_stores(repositories: Repositories, stores: Database) -> OpenRepositories:
    """Return the repositories with their stores."""
    named = {each.name: getattr(repositories, each.name) for each in fields(repositories)}
    return OpenRepositories(**named, stores=stores)


@asynccontextmanager
async def open_repositories(
    database: AbstractAsyncContextManager[Database], encryption: PhoneEncryption
) -> AsyncIterator[OpenRepositories]:
    async with database as opened:
        yield with_stores(make_repositories(opened, encryption), opened)


def open_sqlite_repositories(
    path: Path, encryption: PhoneEncryption | None = None
) -> AbstractAsyncContextManager[OpenRepositories]:
    encryption = encryption or FakePhoneEncryption()
    return open_repositories(open_sqlite_database(path, encryption.key_fingerprint()), encryption)


def open_mongo_repositories(
    url: str, encryption: PhoneEncryption | None = None
) -> AbstractAsyncContextManager[OpenRepositories]:
    encryption = encryption or FakePhoneEncryption()
    return open_repositories(open_mongo_database(url, encryption.key_fingerprint()), encryption)


def open_postgres_repositories(
    url: str, encryption: PhoneEncryption | None = None
) -> AbstractAsyncContextManager[OpenRepositories]:
    encryption = encryption or FakePhoneEncryption()
    return open_repositories(open_postgres_database(url, encryption.key_fingerprint()), encryption)


async def wait_until_healthy(repositories: Repositories) -> None:
    """Wait until the health check succeeds: no driver reports when it has found its server."""
    while True:
        try:
            return await repositories.health.check()
        except StorageError:
            await asyncio.sleep(0.05)  # as the docstring says
