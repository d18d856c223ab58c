"""A program without a feature whose records are in the database says so, and can delete them.

Here the program knows one kind less than what has made the database.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from pymongo import MongoClient
from pymongo.database import Database as RawDatabase

from adapters.databases.mongo import open_mongo_database
from adapters.databases.postgres import open_postgres_database
from adapters.databases.records import undeclared_records
from adapters.databases.records.database import Database
from adapters.databases.records.kinds import DELIVERY_REPORTS, DeliveryReportRecord
from adapters.databases.records.undeclared_records import (
    FEATURES_OF_KINDS,
    UndeclaredRecords,
    check_declared,
)
from adapters.databases.sqlite import open_sqlite_database
from application.ports.errors import ConfigurationError
from entrypoints.commands.operations.checks import connection_checks
from entrypoints.commands.operations.cleanup import cleanup
from entrypoints.commands.operations.copy import copy
from entrypoints.commands.operations.keys import reencrypt_phones
from entrypoints.commands.operations.migrate import migrate
from entrypoints.composition.features import KINDS
from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.use_cases import open_all, open_use_cases
from entrypoints.parts.database import open_database
from entrypoints.parts.keys import load_encryption
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import InvalidArgument, StartupError
from tests.support.builders import NOW
from tests.support.commands import call
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.service import Service

FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
NAME: Final = DELIVERY_REPORTS.name
REFUSED: Final = (
    "delivery_reports \\(receipts\\).*Start the program.*"
    "`dialtone migrate --delete-records delivery_reports`"
)
COUNT: Final = 3


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a service whose database a program with more features has made."""
    settings = read_settings(Service(tmp_path).environ, None)
    asyncio.run(fill(settings))
    kinds = [kind for kind in KINDS if kind is not DELIVERY_REPORTS]
    monkeypatch.setattr(undeclared_records, "all_kinds", lambda: kinds)
    monkeypatch.setitem(FEATURES_OF_KINDS, NAME, "receipts")
    return settings


async def fill(settings: Settings) -> None:
    async with open_use_cases(settings, ()):
        pass  # It makes the keys.
    encryption = load_encryption(settings)
    assert encryption is not None
    async with open_database(settings, encryption) as database:
        for number in range(COUNT):
            report = DeliveryReportRecord(id=str(number), status="sent", expires_at=NOW)
            await database.records.add(DELIVERY_REPORTS, str(number), report, 1)


async def start(settings: Settings) -> None:
    async with open_all(settings, is_service=True):
        pass


def delete(settings: Settings, *names: str, yes: bool = True) -> Sequence[str]:
    return call(migrate, settings, "--delete-records", *names, *["--yes"] * yes)


def test_nothing_starts_until_the_records_are_deleted_after_a_confirmation(
    settings: Settings, tmp_path: Path
) -> None:
    source, target = (f"sqlite:///{tmp_path}/{name}.db" for name in ("dialtone", "target"))
    starts: list[Callable[[], object]] = [
        lambda: asyncio.run(start(settings)),
        lambda: asyncio.run(connection_checks(settings)["database"]()),
        # Else records of deleted users would stay, keep the former key, or not be copied.
        lambda: call(cleanup, settings),
        lambda: call(reencrypt_phones, settings),
        lambda: call(copy, settings, "--from", source, "--to", target),
    ]
    for it in starts:
        with pytest.raises(StartupError, match=REFUSED):
            it()
    with pytest.raises(InvalidArgument, match=r"delivery_reports \(receipts\).*Add --yes"):
        delete(settings, NAME, yes=False)
    assert delete(settings, NAME) == [f"{NAME}: records deleted: 3"]
    for it in starts:
        it()


def test_no_other_records_are_deleted(settings: Settings) -> None:
    for name in ("identities", "no_such_records", "database_metadata"):
        with pytest.raises(InvalidArgument, match=f"{name}: .*Nothing was deleted"):
            delete(settings, NAME, name)
    assert delete(settings, NAME) == [f"{NAME}: records deleted: 3"]


OTHER: Final = "other_records"
OF_EXTENSION: Final = "x_acme_notes"


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables that nobody declared, each with a row."""

    execute: Callable[[str], object]
    text: str = "text NOT NULL"
    json: str = "jsonb"

    def add(self, name: str, body: str) -> None:
        columns = f"id {self.text} PRIMARY KEY, version bigint NOT NULL, body {self.json} NOT NULL"
        self.execute(f"CREATE TABLE {name} ({columns})")
        self.execute(f"INSERT INTO {name} (id, version, body) VALUES ('1', 1, '{body}')")  # noqa: S608

    def add_own(self) -> None:
        self.add(OF_EXTENSION, '{"schema_version": 1}')

    def add_other(self) -> None:
        # Only its records tell it from ours.
        self.add(OTHER, "{}")


@dataclass(frozen=True, slots=True)
class Collections:
    """Collections that nobody declared, each with a document."""

    database: RawDatabase[dict[str, Any]]

    def add(self, name: str, document: dict[str, Any]) -> None:
        self.database[name].insert_one(document)

    def add_own(self) -> None:
        self.add(OF_EXTENSION, {"_id": "1", "version": 1, "schema_version": 1})

    def add_other(self) -> None:
        self.add(OTHER, {"_id": 1, "version": 1, "schema_version": 1})


Opened = tuple[Database, Tables | Collections]


@asynccontextmanager
async def in_sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    path = request.getfixturevalue("tmp_path") / "records.db"
    async with open_sqlite_database(path, FINGERPRINT) as database:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            yield database, Tables(connection.execute, "TEXT NOT NULL", "TEXT")


@asynccontextmanager
async def in_postgres(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    url = request.getfixturevalue("postgres_database")
    async with open_postgres_database(url, FINGERPRINT) as database:
        with psycopg.connect(url, autocommit=True) as connection:
            yield database, Tables(connection.execute)


@asynccontextmanager
async def in_mongo(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    url = request.getfixturevalue("mongo_database")
    async with open_mongo_database(url, FINGERPRINT) as database:
        with MongoClient[dict[str, Any]](url) as client:
            yield database, Collections(client.get_default_database())


@pytest.fixture(
    params=[
        in_sqlite,
        pytest.param(in_postgres, marks=pytest.mark.slow),
        pytest.param(in_mongo, marks=pytest.mark.slow),
    ]
)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    async with request.param(request) as opened:
        yield opened


async def test_records_of_an_absent_extension_are_deleted_and_tables_of_others_left_alone(
    opened: Opened,
) -> None:
    database, tables = opened
    store = database.records
    assert isinstance(store, UndeclaredRecords)
    tables.add_other()
    assert not await store.has_undeclared(OTHER)
    assert await store.delete_undeclared(OTHER, 10) == 0
    await check_declared(store)

    tables.add_own()
    with pytest.raises(
        ConfigurationError, match=rf"{OF_EXTENSION} \(an extension\).*--delete-records"
    ):
        await check_declared(store)
    assert await store.delete_undeclared(OF_EXTENSION, 10) == 1
    await check_declared(store)
