"""A program without a feature whose records are in the database says so, and can delete them.

Here the program knows one kind less than what has made the database.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from pymongo import MongoClient

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
from entrypoints.bootstrap import open_all, open_use_cases
from entrypoints.commands.core.backup import backup, restore
from entrypoints.commands.core.checks import connection_checks
from entrypoints.commands.core.cleanup import cleanup
from entrypoints.commands.core.copy import copy_command
from entrypoints.commands.core.keys import reencrypt_phones
from entrypoints.commands.core.migrate import migrate
from entrypoints.features import FEATURES, KINDS
from entrypoints.opening.database import open_database
from entrypoints.opening.keys import load_encryption
from entrypoints.opening.startup_error import InvalidArgument, StartupError
from entrypoints.settings.read import read_settings
from entrypoints.settings.settings import Settings
from tests.integration.adapters.databases.postgres.postgres_support import emptied_database
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
    settings: Settings,
) -> None:
    starts: list[Callable[[], object]] = [
        lambda: asyncio.run(start(settings)),
        lambda: asyncio.run(connection_checks(settings)["database"]()),
        # Else records of deleted users would stay.
        lambda: call(cleanup, settings),
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


def test_no_copy_leaves_records_behind_silently(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    source = f"sqlite:///{tmp_path}/dialtone.db"

    with pytest.raises(StartupError, match=f"--from: .*{REFUSED}"):
        call(copy_command([]), settings, "--from", source, "--to", f"sqlite:///{target}")

    assert not target.exists()


def test_no_key_is_changed_while_records_would_keep_the_former_one(settings: Settings) -> None:
    before = settings.secrets_file.read_bytes()

    with pytest.raises(StartupError, match=REFUSED):
        call(reencrypt_phones, settings)

    assert settings.secrets_file.read_bytes() == before


OTHER: Final = "other_records"
OF_EXTENSION: Final = "x_acme_notes"
BODY: Final = '{"schema_version": 1}'


SQL_TABLES: Final = [
    "id {text} NOT NULL PRIMARY KEY, body {json} NOT NULL",
    "id {number} NOT NULL PRIMARY KEY, version {number} NOT NULL, body {json} NOT NULL",
    "id {text} NOT NULL PRIMARY KEY, version {number} NOT NULL, body {json} NOT NULL",
]
"""Tables of somebody else. Only the records of the last one tell it from ours."""


async def check_left_alone(database: Database) -> None:
    store = database.records
    assert isinstance(store, UndeclaredRecords)
    assert not await store.has_undeclared(OTHER)
    assert await store.delete_undeclared(OTHER, 10) == 0


def add_sql_table(execute: Callable[[str], object], columns: str, **types: str) -> None:
    execute(f"DROP TABLE IF EXISTS {OTHER}")
    execute(f"CREATE TABLE {OTHER} ({columns.format(**types)})")
    names = "id, version, body" if "version" in columns else "id, body"
    values = "'1', 1, '{}'" if "version" in columns else "'1', '{}'"
    execute(f"INSERT INTO {OTHER} ({names}) VALUES ({values})")  # noqa: S608 -- ours


async def test_another_table_in_sqlite_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    types = {"text": "TEXT", "json": "TEXT", "number": "INTEGER"}
    async with open_sqlite_database(path, FINGERPRINT) as database:
        for columns in SQL_TABLES:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                add_sql_table(connection.execute, columns, **types)
            await check_left_alone(database)


async def test_another_table_in_postgres_is_left_alone(request: pytest.FixtureRequest) -> None:
    types = {"text": "text", "json": "jsonb", "number": "bigint"}
    with emptied_database(request) as url, psycopg.connect(url, autocommit=True) as connection:
        async with open_postgres_database(url, FINGERPRINT) as database:
            try:
                for columns in SQL_TABLES:
                    add_sql_table(connection.execute, columns, **types)
                    await check_left_alone(database)
            finally:
                connection.execute(f"DROP TABLE {OTHER}")


async def test_another_collection_is_left_alone(mongo_database: str) -> None:
    documents: list[dict[str, Any]] = [
        {"_id": "1"},
        {"_id": 1, "version": 1, "schema_version": 1},
        {"version": 1},
    ]
    async with open_mongo_database(mongo_database, FINGERPRINT) as database:
        with MongoClient[dict[str, Any]](mongo_database) as client:
            collection = client.get_default_database()[OTHER]
            for document in documents:
                collection.delete_many({})
                collection.insert_one(document)
                await check_left_alone(database)


async def check_found_and_deleted(database: Database) -> None:
    store = database.records
    assert isinstance(store, UndeclaredRecords)
    with pytest.raises(
        ConfigurationError, match=rf"{OF_EXTENSION} \(an extension\).*--delete-records"
    ):
        await check_declared(store)
    assert await store.delete_undeclared(OF_EXTENSION, 10) == 1
    await check_declared(store)


@pytest.fixture
def with_extension(tmp_path: Path) -> Settings:
    """Return the settings of a database with records of an extension that is not there."""
    settings = read_settings(Service(tmp_path).environ, None)
    asyncio.run(start(settings))
    with closing(sqlite3.connect(tmp_path / "dialtone.db", isolation_level=None)) as connection:
        connection.execute(
            f"CREATE TABLE {OF_EXTENSION} (id TEXT NOT NULL PRIMARY KEY, "
            "version bigint NOT NULL, body TEXT NOT NULL)"
        )
        connection.execute(f"INSERT INTO {OF_EXTENSION} VALUES ('1', 1, '{BODY}')")  # noqa: S608
    return settings


def test_records_of_an_absent_extension_are_deleted_by_the_command_that_an_error_names(
    with_extension: Settings, tmp_path: Path
) -> None:
    with pytest.raises(StartupError, match=rf"{OF_EXTENSION} \(an extension\)"):
        asyncio.run(start(with_extension))
    # A backup has them.
    saved = str(tmp_path / "saved.db")
    assert call(backup, with_extension, saved)
    assert call(restore, with_extension, saved)

    assert delete(with_extension, OF_EXTENSION) == [f"{OF_EXTENSION}: records deleted: 1"]
    asyncio.run(start(with_extension))


async def test_records_of_an_absent_extension_are_found_in_postgres(
    request: pytest.FixtureRequest,
) -> None:
    with emptied_database(request) as url, psycopg.connect(url, autocommit=True) as connection:
        async with open_postgres_database(url, FINGERPRINT) as database:
            try:
                connection.execute(
                    f"CREATE TABLE {OF_EXTENSION} (id text PRIMARY KEY, version bigint NOT NULL, "
                    "body jsonb NOT NULL)"
                )
                insert = f"INSERT INTO {OF_EXTENSION} VALUES ('1', 1, '{BODY}')"  # noqa: S608
                connection.execute(insert)
                await check_found_and_deleted(database)
            finally:
                connection.execute(f"DROP TABLE IF EXISTS {OF_EXTENSION}")


async def test_records_of_an_absent_extension_are_found_in_mongo(mongo_database: str) -> None:
    async with open_mongo_database(mongo_database, FINGERPRINT) as database:
        with MongoClient[dict[str, Any]](mongo_database) as client:
            collection = client.get_default_database()[OF_EXTENSION]
            collection.insert_one({"_id": "1", "version": 1, "schema_version": 1})
            await check_found_and_deleted(database)


def test_all_features_are_named_for_the_kinds_that_they_have() -> None:
    found = {kind.name: feature.name for feature in FEATURES for kind in feature.kinds}

    assert found.items() <= FEATURES_OF_KINDS.items()
