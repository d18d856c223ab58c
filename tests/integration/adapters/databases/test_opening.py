"""Opening a database: what is created and rejected, on each of them."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from pymongo import MongoClient

from adapters.databases.records.database_metadata import SCHEMA_VERSION
from application.ports.errors import StorageUnavailable
from tests.integration.adapters.databases.openings import (
    KEY_FINGERPRINT,
    MONGO_OPENING,
    POSTGRES_OPENING,
    SQLITE_OPENING,
)
from tests.support.builders import an_id, an_identity


class SqlPlace:
    """An empty database, which others change by statements that both have."""

    foreign: ClassVar[tuple[str, str]]
    """How another program makes it; the second one has our names."""

    def execute(self, sql: str) -> Any:
        raise NotImplementedError

    def change_metadata(self, **changes: object) -> None:
        for name, value in changes.items():
            self.execute(f"UPDATE database_metadata SET {name} = '{value}'")  # noqa: S608

    def read_metadata(self) -> object:
        return self.execute("SELECT health_check_count FROM database_metadata")

    def empty(self) -> None:
        self.execute("DELETE FROM database_metadata")

    def fill(self, number: int) -> None:
        self.execute(self.foreign[number])


class SqlitePlace(SqlPlace):
    opening = SQLITE_OPENING
    foreign = ("CREATE TABLE users (id)", "CREATE TABLE database_metadata (id)")

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.place: Path = request.getfixturevalue("tmp_path") / "records.db"

    def execute(self, sql: str) -> Any:
        with closing(sqlite3.connect(self.place, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()

    def content(self) -> object:
        return self.place.exists() and self.place.read_bytes()


class PostgresPlace(SqlPlace):
    opening = POSTGRES_OPENING
    foreign = (
        "CREATE TABLE identities (name text)",
        "CREATE TABLE database_metadata (id text, schema_version int, key_fingerprint text)",
    )

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.place: str = request.getfixturevalue("postgres_database")

    def execute(self, sql: str) -> Any:
        with psycopg.connect(self.place, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def content(self) -> object:
        return self.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")


class MongoPlace:
    opening = MONGO_OPENING

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.place: str = request.getfixturevalue("mongo_database")
        client = MongoClient[dict[str, Any]](self.place)
        request.addfinalizer(client.close)
        self.database = client.get_default_database()

    def change_metadata(self, **changes: object) -> None:
        self.database["database_metadata"].update_one({"_id": "database"}, {"$set": changes})

    def read_metadata(self) -> object:
        return self.database["database_metadata"].find_one({"_id": "database"})

    def empty(self) -> None:
        self.database.client.drop_database(self.database)

    def fill(self, number: int) -> None:
        name, document_id = (("identities", "1"), ("database_metadata", "database"))[number]
        self.database[name].insert_one({"_id": document_id})

    def content(self) -> object:
        return {
            name: [*self.database[name].find()] for name in self.database.list_collection_names()
        }


Place = SqlitePlace | PostgresPlace | MongoPlace


@pytest.fixture(
    params=[
        SqlitePlace,
        pytest.param(PostgresPlace, marks=pytest.mark.slow),
        pytest.param(MongoPlace, marks=pytest.mark.slow),
    ]
)
def it(request: pytest.FixtureRequest) -> Place:
    place: Place = request.param(request)
    return place


@pytest.mark.parametrize("it", [SqlitePlace, PostgresPlace, MongoPlace], indirect=True)
async def test_a_new_database_is_inspected_without_a_change_and_checked_by_a_write(
    it: Place,
) -> None:
    before = it.content()
    assert await it.opening.inspect(it.place, KEY_FINGERPRINT) is None
    assert it.content() == before

    async with it.opening.open(it.place) as repositories:
        assert await it.opening.inspect(it.place, None) == SCHEMA_VERSION
        metadata = it.read_metadata()
        await repositories.health.check()
        assert it.read_metadata() != metadata
        it.empty()
        with pytest.raises(StorageUnavailable, match="emptied"):
            await repositories.health.check()


async def test_a_missing_database_is_located_without_a_change(it: Place) -> None:
    before = it.content()
    place = await it.opening.locate_missing(it.place)
    assert place is not None
    assert place.rpartition("/")[2] in str(it.place)
    assert it.content() == before

    await it.opening.create(it.place)
    assert await it.opening.locate_missing(it.place) is None


async def test_a_database_of_another_version_or_of_other_keys_is_rejected_and_stays_usable(
    it: Place,
) -> None:
    await it.opening.create(it.place)
    for version in (0, 1000):
        it.change_metadata(schema_version=version)
        error = await it.opening.error(it.place)
        assert f"another version of Dialtone (schema {version};" in error
    it.change_metadata(schema_version=SCHEMA_VERSION, key_fingerprint="another")
    assert "other keys" in await it.opening.error(it.place)

    it.change_metadata(key_fingerprint=KEY_FINGERPRINT)
    async with it.opening.open(it.place) as repositories:
        loaded = await repositories.identities.load(an_id())
        assert loaded is not None
        assert loaded.value == an_identity()


async def test_of_two_that_replace_the_newest_key_one_wins(it: Place) -> None:
    async with it.opening.open(it.place) as repositories:
        stored = repositories.stores.newest_key
        assert stored is not None
        assert await stored.read() is None
        results = await asyncio.gather(*(stored.replace(None, f"0000000{n}") for n in range(3)))
        assert sorted(results) == [False, False, True]
        first = await stored.read()
        assert first == f"0000000{results.index(True)}"
        assert not await stored.replace(None, "0000000a")
        assert await stored.replace(first, "0000000b")
    async with it.opening.open(it.place) as repositories:
        stored = repositories.stores.newest_key
        assert stored is not None
        assert await stored.read() == "0000000b"


@pytest.mark.parametrize("number", [0, 1])
async def test_the_database_of_another_program_is_rejected_and_not_changed(
    it: Place, number: int
) -> None:
    it.fill(number)
    before = it.content()

    assert "another program" in await it.opening.error(it.place)
    assert it.content() == before


async def test_instances_that_start_together_create_one_database(it: Place) -> None:
    async def start(number: int) -> None:
        async with it.opening.open(it.place) as repositories:
            await repositories.identities.add(an_identity(id=an_id(number)))

    await asyncio.gather(*map(start, range(4)))

    async with it.opening.open(it.place) as repositories:
        assert all([await repositories.identities.load(an_id(number)) for number in range(4)])
