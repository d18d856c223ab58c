"""Repositories over a SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.repositories import make_repositories
from adapters.sqlite import open_sqlite_database
from application.ports.repositories import Repositories
from tests.support.fakes.phone_encryption import FakePhoneEncryption


@asynccontextmanager
async def open_sqlite_repositories(
    path: Path, encryption: PhoneEncryption | None = None
) -> AsyncIterator[Repositories]:
    encryption = encryption or FakePhoneEncryption()
    async with open_sqlite_database(path, encryption.key_fingerprint()) as database:
        yield make_repositories(database, encryption)
