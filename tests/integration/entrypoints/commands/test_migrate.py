"""`dialtone migrate`: what it shows and makes in each database, beside an older version."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from pymongo import MongoClient

from adapters.databases.postgres import migration as in_postgres
from adapters.databases.records.schema_plan import SchemaObject, SchemaPlan
from adapters.databases.sqlite import migration as in_sqlite
from application.ports.errors import ConfigurationError
from entrypoints.commands.operations.migrate import migrate as run_migrate
from tests.support.builders import a_phone, an_id, an_identity
from tests.support.commands import call
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.repositories import (
    open_mongo_repositories,
    open_postgres_repositories,
    open_sqlite_repositories,
)
from tests.support.settings import settings

FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
UNIQUE: Final = "identities_username_key"
OWN: Final = "own_index"
MISSING: Final = {
    *(UNIQUE, "statistics_days", "statistics_days_starts_at", "statistics_days_expires_at")
}
EARLIER: Final = [f"DROP INDEX {UNIQUE}", "DROP TABLE statistics_days"]
"""What makes the database of a version that did not have these yet."""
OLD_SCHEMA: Final = "UPDATE database_metadata SET schema_version = 3"
ONE_NAME: Final = "UPDATE identities SET username_key = 'ada'"
"""Gives all users one name, which only a database without the unique index lets happen."""


@dataclass(frozen=True)
class DatabaseKind:
    """A kind of database: its migration, and how a test looks at it and changes it."""

    place: Any
    adapter: str
    open: Callable[[], Any]
    execute: Callable[[str], object]
    read_all: Callable[[], object]

    def job(self, name: str) -> Any:
        """Return the module of its adapter for a job of operators."""
        return import_module(f"adapters.databases.{self.adapter}.{name}")

    async def plan(self) -> SchemaPlan:
        plan: SchemaPlan = await self.job("migration").plan_migration(self.place, FINGERPRINT)
        return plan

    async def migrate(self) -> list[SchemaObject]:
        """Migrate, and return what was reported."""
        reported: list[SchemaObject] = []

        def report(created: SchemaObject, *_: int | None, **__: bool) -> None:
            reported.append(created)

        await self.job("migration").migrate(self.place, FINGERPRINT, report)
        return reported

    async def make_earlier(self) -> None:
        """Make the database of an earlier version, with two users."""
        async with self.open() as repositories:
            for number in (1, 2):
                identity = an_identity(id=an_id(number), phone=a_phone(number))
                await repositories.identities.add(identity)
        for statement in EARLIER:
            self.execute(statement)


def sqlite_kind(request: pytest.FixtureRequest) -> DatabaseKind:
    path: Path = request.getfixturevalue("tmp_path") / "new" / "records.db"

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(statement)

    def read_all() -> object:
        if not path.exists():
            return sorted(path.parent.parent.iterdir())
        with closing(sqlite3.connect(path)) as connection:
            return sorted(connection.iterdump())

    def open_it() -> Any:
        return open_sqlite_repositories(path, FakePhoneEncryption())

    return DatabaseKind(path, "sqlite", open_it, execute, read_all)


def mongo_kind(request: pytest.FixtureRequest) -> DatabaseKind:
    url: str = request.getfixturevalue("mongo_database")
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    request.addfinalizer(client.close)
    database = client.get_default_database()

    def execute(statement: str) -> None:
        match statement.split():
            case ["DROP", "INDEX", name]:
                database["identities"].drop_index(name)
            case ["DROP", "TABLE", name]:
                database.drop_collection(name)
            case ["CREATE", "INDEX", name, *_]:
                database["identities"].create_index("created_at", name=name)
            case ["UPDATE", name, "SET", field, "=", value]:
                changed = int(value) if value.isdecimal() else value.strip("'")
                database[name].update_many({}, {"$set": {field: changed}})

    def read_all() -> object:
        names = sorted(database.list_collection_names())
        indexes = {name: database[name].index_information() for name in names}
        return indexes, [[*database[name].find()] for name in names]

    return DatabaseKind(url, "mongo", lambda: open_mongo_repositories(url), execute, read_all)


def postgres_kind(request: pytest.FixtureRequest) -> DatabaseKind:
    url: str = request.getfixturevalue("postgres_database")

    def execute(statement: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)

    def read_all() -> object:
        with psycopg.connect(url) as connection:
            indexes = "SELECT * FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
            columns = (
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = 'public' ORDER BY 1, 2"
            )
            return [connection.execute(query).fetchall() for query in (indexes, columns)]

    return DatabaseKind(url, "postgres", lambda: open_postgres_repositories(url), execute, read_all)


@pytest.fixture(
    params=[
        sqlite_kind,
        pytest.param(mongo_kind, marks=pytest.mark.slow),
        pytest.param(postgres_kind, marks=pytest.mark.slow),
    ],
    ids=["sqlite", "mongo", "postgres"],
)
def database(request: pytest.FixtureRequest) -> DatabaseKind:
    kind: Callable[[pytest.FixtureRequest], DatabaseKind] = request.param
    return kind(request)


def names_of(objects: Any) -> set[str]:
    return {created.name for created in objects}


async def test_what_an_earlier_version_does_not_have_is_created_and_an_own_index_stays(
    database: DatabaseKind,
) -> None:
    await database.make_earlier()
    database.execute(f"CREATE INDEX {OWN} ON identities (deleted_at)")
    before = database.read_all()

    plan = await database.plan()
    assert (names_of(plan.missing), plan.is_new) == (MISSING, False)
    assert database.read_all() == before

    await database.migrate()
    plan = await database.plan()
    assert (plan.missing, names_of(plan.undeclared)) == ([], {OWN})
    assert await database.migrate() == []


async def test_a_database_before_0_2_0_is_refused_by_all_that_could_use_it(
    database: DatabaseKind,
) -> None:
    async with database.open():
        pass
    database.execute(OLD_SCHEMA)
    before = database.read_all()

    async def enter(opening: Callable[[], Any]) -> None:
        async with opening():
            pass

    to_copy = partial(database.job("opening").open_to_copy, database.place, FINGERPRINT)
    find_keys = partial(database.job("stored_keys").find_stored_keys, database.place)
    opening, copying = partial(enter, database.open), partial(enter, to_copy)
    ways: list[Callable[[], Awaitable[object]]] = [
        *(opening, copying, database.plan, database.migrate, find_keys)
    ]
    for way in ways:
        with pytest.raises(ConfigurationError, match=r"schema 3.*begin with an empty"):
            await way()
    assert database.read_all() == before


async def test_a_column_of_a_new_field_is_added_and_older_programs_go_on(
    request: pytest.FixtureRequest,
) -> None:
    for kind in (sqlite_kind, postgres_kind):
        database = kind(request)
        await database.make_earlier()
        database.execute("DROP INDEX identities_external_id")
        database.execute("ALTER TABLE identities DROP COLUMN external_id")

        plan = await database.plan()
        assert names_of(plan.missing) == MISSING | {"external_id", "identities_external_id"}
        # A service that is running has statements for the columns that it knows.
        async with database.open() as repositories:
            loaded = await repositories.identities.load(an_id(1))
            assert loaded is not None
        assert (await database.plan()).missing == []


async def test_records_with_one_value_keep_a_unique_index_from_being_built(
    database: DatabaseKind,
) -> None:
    await database.make_earlier()
    database.execute(ONE_NAME)

    with pytest.raises(ConfigurationError, match=r"because 1 values of identities") as raised:
        await database.migrate()

    assert "username_key" in str(raised.value)
    assert "'ada'" not in str(raised.value)
    # A start names the index too, and nothing is left of the index.
    with pytest.raises(ConfigurationError, match=r"username_key.*start"):
        async with database.open():
            pass
    assert UNIQUE in names_of((await database.plan()).missing)


async def test_other_services_write_while_postgresql_builds_an_index_which_says_that_it_waits(
    postgres_database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_postgres, "_PROGRESS_INTERVAL", 0.05)
    database, waits = postgres_kind(request), asyncio.Event()

    def report(_: SchemaObject, *numbers: int | None, is_waiting: bool = False) -> None:
        if is_waiting and numbers == (0, 1):
            waits.set()

    await database.make_earlier()
    async with database.open() as older:  # it has created the index again
        database.execute(EARLIER[0])
        # The build waits for a transaction that writes the table; others do not.
        with psycopg.connect(postgres_database) as connection:
            connection.execute("UPDATE identities SET version = version WHERE id = %s", [an_id(1)])
            building = asyncio.create_task(
                in_postgres.migrate(postgres_database, FINGERPRINT, report)
            )
            await waits.wait()
            added = an_identity(id=an_id(3), phone=a_phone(3))
            assert await older.identities.add(added)
            with pytest.raises(ConfigurationError, match="Another `dialtone migrate`"):
                await database.migrate()
        await building
    assert (await database.plan()).missing == []


async def test_an_index_that_a_kill_left_invalid_is_built_again(
    request: pytest.FixtureRequest,
) -> None:
    database = postgres_kind(request)
    async with database.open():
        pass
    database.execute(
        "UPDATE pg_index SET indisvalid = false "
        "WHERE indexrelid = 'identities_username_key'::regclass"
    )

    assert names_of((await database.plan()).dropped) == {UNIQUE}
    await database.migrate()

    plan = await database.plan()
    assert (plan.dropped, plan.missing) == ([], [])


def test_a_dry_run_without_keys_says_that_it_did_not_check_them(tmp_path: Path) -> None:
    place = tmp_path / "dialtone.db"
    asyncio.run(in_sqlite.migrate(place, FINGERPRINT, lambda *_, **__: None))
    without = settings(DATABASE=f"sqlite:///{place}", SECRETS_FILE=f"{tmp_path}/missing.json")

    lines = call(run_migrate, without, "--dry-run")

    assert any("were not checked" in line for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
