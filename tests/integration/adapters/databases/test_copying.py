"""Copies between the databases: all records, marks, interruptions."""

import json
import re
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec
import psycopg
import pytest

from adapters.databases import mongo, postgres, sqlite
from adapters.databases.records import copying
from adapters.databases.records.copying import (
    Copying,
    begin,
    check_copy,
    check_no_instance,
    copied_kinds,
    count_records,
    finish,
)
from adapters.databases.records.database import CopyableDatabase, Database
from adapters.databases.records.instances import InstanceRecord
from adapters.databases.records.kinds import AUDIT_ENTRIES, IDENTITIES, INSTANCES
from adapters.databases.records.record_kind import RecordKind
from application.ports.errors import ConfigurationError
from entrypoints.composition.features import KINDS
from tests.integration.adapters.databases.mongo.mongo_support import with_metadata_of
from tests.integration.adapters.databases.postgres.postgres_support import emptied_database
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_records import GOLDEN_RECORDS

KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
LATER: Final = NOW + timedelta(hours=1)
"""When the instance of the golden file has expired."""
TARGETS: Final = [
    "last",
    pytest.param("in_mongo", marks=pytest.mark.slow),
    pytest.param("in_postgres", marks=pytest.mark.slow),
]
ODD_IDS: Final = ["A", "a\0b", "é", "\uff5e", "𝄞", "x" * 200]


@dataclass(frozen=True)
class Place:
    """A database, and how it is opened for a copy and for a service."""

    module: ModuleType
    place: Any
    open_service: Callable[[Any, str], AbstractAsyncContextManager[Database]]

    def open(
        self, fingerprint: str = KEY_FINGERPRINT
    ) -> AbstractAsyncContextManager[CopyableDatabase]:
        opened: AbstractAsyncContextManager[CopyableDatabase] = self.module.open_to_copy(
            self.place, fingerprint
        )
        return opened

    def service(self) -> AbstractAsyncContextManager[Database]:
        return self.open_service(self.place, KEY_FINGERPRINT)


def sqlite_place(path: Path) -> Place:
    return Place(sqlite, path, sqlite.open_sqlite_database)


@pytest.fixture
def first(tmp_path: Path) -> Place:
    """Where each test begins: a SQLite database."""
    return sqlite_place(tmp_path / "first.db")


@pytest.fixture
def last(tmp_path: Path) -> Place:
    return sqlite_place(tmp_path / "last.db")


@pytest.fixture
def in_mongo(emptied_mongo_database: str) -> Iterator[Place]:
    with with_metadata_of(emptied_mongo_database, KEY_FINGERPRINT):
        yield Place(mongo, emptied_mongo_database, mongo.open_mongo_database)


@pytest.fixture
def in_postgres(request: pytest.FixtureRequest) -> Iterator[Place]:
    with emptied_database(request) as url:
        yield Place(postgres, url, postgres.open_postgres_database)


async def fill(place: Place) -> None:
    """Add all records of the golden file, with ids of all kinds."""
    golden = json.loads(GOLDEN_RECORDS.read_bytes())
    async with place.service() as database:
        for kind in KINDS:
            # A unique index allows one.
            ids = ODD_IDS if kind is not IDENTITIES else ["00000000000000000000000a"]
            record = kind.decode(json.dumps(golden[kind.name][0]))
            for number, record_id in enumerate(ids):
                if hasattr(record, "id"):
                    record.id = record_id
                assert await database.records.add(kind, record_id, record, 2**62 + number)


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a file by table, with their columns and their bodies as JSON."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            kind.name: [
                (*columns, json.loads(body))
                for *columns, body in connection.execute(
                    f"SELECT * FROM {kind.name} ORDER BY id"  # noqa: S608 -- our names
                )
            ]
            for kind in KINDS
        }


def report_nothing(*_: object) -> None:
    """Report no progress."""


@asynccontextmanager
async def both(
    source: Place, target: Place
) -> AsyncIterator[tuple[CopyableDatabase, CopyableDatabase]]:
    async with source.open() as opened, target.open() as filled:
        yield opened, filled


async def copy_all(source: Place, target: Place, *, force: bool = False) -> Mapping[str, int]:
    async with both(source, target) as databases:
        is_continued = await begin(*databases, LATER, f"copy at {source.place}", force=force)
        copying = Copying(*databases, report_nothing)
        await copying.add_records(is_continued=is_continued)
        counts = await copying.compare_records()
        await finish(*databases, LATER)
        return counts


@pytest.mark.slow
async def test_all_records_return_unchanged_from_a_way_through_all_databases(
    first: Place, in_mongo: Place, in_postgres: Place, last: Place
) -> None:
    await fill(first)
    before = rows_of(first.place)

    ways = [
        await copy_all(source, target)
        for source, target in ((first, in_mongo), (in_mongo, in_postgres), (in_postgres, last))
    ]

    after = rows_of(last.place)
    assert after.pop("instances") == after.pop("instance_leases") == []
    assert {name: rows for name, rows in before.items() if name in after} == after
    assert ways[0] == ways[1] == ways[2]
    assert ways[0] == {
        kind.name: 1 if kind is IDENTITIES else len(ODD_IDS) for kind in copied_kinds()
    }


@pytest.mark.parametrize("name", TARGETS)
async def test_no_service_starts_with_a_copied_source_or_an_incomplete_target(
    first: Place, name: str, request: pytest.FixtureRequest
) -> None:
    target: Place = request.getfixturevalue(name)
    await fill(first)
    async with both(first, target) as databases:
        await begin(*databases, LATER, "a copy")

    with pytest.raises(ConfigurationError, match="is not finished: start `dialtone copy` again"):
        async with first.service():
            pass
    with pytest.raises(ConfigurationError, match="is the target of a copy of sqlite:///"):
        async with target.service():
            pass

    await copy_all(first, target)
    with pytest.raises(
        ConfigurationError, match=r"was copied to .*: set DIALTONE_DATABASE to that"
    ):
        async with first.service():
            pass
    async with target.service():
        pass


@pytest.mark.parametrize("name", TARGETS)
async def test_an_interrupted_copy_looks_at_what_is_there_and_adds_the_rest(
    first: Place, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    target: Place = request.getfixturevalue(name)
    monkeypatch.setattr(copying, "BATCH_SIZE", 2)
    await fill(first)
    added: list[tuple[str, str]] = []

    def report(label: str, *_: object) -> None:
        if label.startswith("audit_entries"):
            raise KeyboardInterrupt

    async with both(first, target) as (source, filled):
        add = filled.records.add

        async def count(kind: RecordKind[Any], record_id: str, *values: Any) -> bool:
            added.append((kind.name, record_id))
            return await add(kind, record_id, *values)

        monkeypatch.setattr(type(filled.records), "add", lambda _, *values: count(*values))
        await begin(source, filled, LATER, "a copy")
        with pytest.raises(KeyboardInterrupt):
            await Copying(source, filled, report).add_records(is_continued=False)
        before = len(added)
        assert await begin(source, filled, LATER, "another copy")
        await Copying(source, filled, report_nothing).add_records(is_continued=True)

    everything = sum((await copy_all(first, target)).values())
    assert 0 < before < len(added) == len(set(added)) == everything


@pytest.mark.slow
async def test_a_time_that_mongodb_rounds_is_no_difference(first: Place, in_mongo: Place) -> None:
    await fill(first)
    async with first.service() as database:
        [stored] = await database.records.scan(IDENTITIES, "", 1)
        created_at = stored.record.created_at + timedelta(microseconds=7)
        changed = msgspec.structs.replace(stored.record, created_at=created_at)
        await database.records.replace(IDENTITIES, stored.id, changed, stored.version)

    assert (await copy_all(first, in_mongo))["identities"] == 1


def execute(place: Place, statement: str) -> None:
    with closing(sqlite3.connect(place.place)) as connection, connection:
        connection.execute(statement)


async def test_a_copy_that_differs_is_an_error_and_stays_unfinished(
    first: Place, last: Place
) -> None:
    await fill(first)
    async with both(first, last) as databases:
        await begin(*databases, LATER, "a copy")
        await Copying(*databases, report_nothing).add_records(is_continued=False)
    as_copied = last.place.read_bytes()

    for changed, statement, problem in (
        (last, "UPDATE audit_entries SET body = json_set(body, '$.reason', 'x')", "A has other"),
        (last, "UPDATE audit_entries SET version = 1 WHERE id = 'A'", "A has other fields"),
        (last, "DELETE FROM audit_entries WHERE id = 'A'", "A was not copied"),
        (first, "DELETE FROM audit_entries WHERE id = 'A'", "5 records became 6"),
    ):
        last.place.write_bytes(as_copied)
        execute(changed, statement)
        async with both(first, last) as databases:
            with pytest.raises(ConfigurationError, match=rf"audit_entries of .* differ: {problem}"):
                await Copying(*databases, report_nothing).compare_records()
    with pytest.raises(ConfigurationError, match="is the target of a copy"):
        async with last.service():
            pass


@pytest.mark.slow
async def test_the_second_of_two_copies_changes_nothing_after_the_first(
    first: Place, in_mongo: Place, in_postgres: Place
) -> None:
    await fill(first)
    await copy_all(first, in_mongo)
    async with both(in_mongo, in_postgres) as databases:
        await begin(*databases, LATER, "a copy")
        await Copying(*databases, report_nothing).add_records(is_continued=False)
        await copy_all(in_mongo, in_postgres)
        async with in_postgres.service() as database:
            await database.records.delete(AUDIT_ENTRIES, "A", 2**62)

        with pytest.raises(ConfigurationError, match="by another `dialtone copy`"):
            await Copying(*databases, report_nothing).compare_records()
        with pytest.raises(ConfigurationError, match="by another `dialtone copy`"):
            await finish(*databases, LATER)
    async with in_postgres.service():
        pass


async def test_a_record_that_the_target_does_not_accept_is_an_error_in_words(
    first: Place, last: Place
) -> None:
    await fill(first)
    async with both(first, last) as databases:
        await begin(*databases, LATER, "a copy")
        [stored] = await databases[0].records.scan(IDENTITIES, "", 1)
        other = msgspec.structs.replace(stored.record, id="other")
        await databases[1].records.add(IDENTITIES, "other", other, 1)
        with pytest.raises(ConfigurationError, match="does not accept a record of identities"):
            await Copying(*databases, report_nothing).add_records(is_continued=False)


async def test_a_damaged_record_is_an_error_in_words(first: Place, last: Place) -> None:
    damage = "UPDATE audit_entries SET body = json_set(body, '$.at', 'x')"
    error = r"{}\.db cannot be copied: a record of audit_entries cannot"
    await fill(first)
    async with both(first, last) as (source, target):
        await begin(source, target, LATER, "a copy")
        copied = Copying(source, target, report_nothing)
        await copied.add_records(is_continued=False)
        execute(last, damage)
        with pytest.raises(ConfigurationError, match=error.format("last")):
            await copied.compare_records()
        with pytest.raises(ConfigurationError, match=error.format("last")):
            await count_records(target, AUDIT_ENTRIES, report_nothing)
    execute(first, damage)
    async with both(first, last) as (source, target):
        with pytest.raises(ConfigurationError, match=error.format("first")):
            await Copying(source, target, report_nothing).add_records(is_continued=True)


@contextmanager
def role_with(in_postgres: Place, *grants: str) -> Iterator[Place]:
    """Yield the database as a role that owns nothing in it sees it."""
    user = f"copying_{secrets.token_hex(4)}"
    with psycopg.connect(in_postgres.place, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{user}'")
        try:
            for grant in grants:
                connection.execute(f"GRANT {grant} TO {user}")
            url = re.sub("//([^@/]*@)?", f"//{user}:{user}@", in_postgres.place)
            yield Place(postgres, url, postgres.open_postgres_database)
        finally:
            connection.execute(f"DROP OWNED BY {user}; DROP ROLE {user};")


@pytest.mark.slow
async def test_a_user_who_may_write_the_tables_copies_from_postgresql_and_a_reader_does_not(
    first: Place, in_postgres: Place, last: Place
) -> None:
    await fill(first)
    await copy_all(first, in_postgres)
    tables = "ALL TABLES IN SCHEMA public"
    with (
        role_with(in_postgres, f"SELECT ON {tables}") as reader,
        pytest.raises(ConfigurationError, match="does not let this user read and write"),
    ):
        async with reader.open():
            pytest.fail("it was opened")
    with role_with(in_postgres, f"ALL ON {tables}", "USAGE, CREATE ON SCHEMA public") as writer:
        assert await copy_all(writer, last)


async def test_a_target_with_records_or_of_another_copy_is_refused(
    first: Place, last: Place, tmp_path: Path
) -> None:
    other = sqlite_place(tmp_path / "other.db")
    for place in (first, other):
        await fill(place)
    with pytest.raises(ConfigurationError, match=r"records of .*: name an empty database\.$"):
        await copy_all(first, other)
    async with both(first, last) as databases:
        await begin(*databases, LATER, "a copy")

    with pytest.raises(ConfigurationError, match=r"target of another copy .*first\.db: drop it"):
        await copy_all(other, last)
    async with other.open() as database:
        with pytest.raises(ConfigurationError, match="is both source and target"):
            await check_copy(database, database, force=False)
    async with other.service():
        pass  # None of these has marked it.


async def test_a_copied_source_is_copied_again_only_by_force(
    first: Place, last: Place, tmp_path: Path
) -> None:
    await fill(first)
    await copy_all(first, last)
    with pytest.raises(ConfigurationError, match=r"was copied to .* use --force"):
        await copy_all(first, sqlite_place(tmp_path / "again.db"))

    assert await copy_all(first, sqlite_place(tmp_path / "again.db"), force=True)


def an_instance(expires_at: datetime) -> InstanceRecord:
    return InstanceRecord(
        id="a",
        program_version="1",
        started_at=NOW,
        renewed_at=NOW,
        expires_at=expires_at,
        issuer="dialtone",
        accepted_issuers=("dialtone",),
    )


@pytest.mark.parametrize("name", TARGETS)
async def test_a_copy_is_refused_while_an_instance_is_alive(
    first: Place, name: str, request: pytest.FixtureRequest
) -> None:
    source: Place = request.getfixturevalue(name)
    expires_at = NOW + timedelta(seconds=30)
    record = an_instance(expires_at)
    async with source.service() as database:
        await database.records.add(INSTANCES, "a", record, 1)

    async with both(source, first) as databases:
        later = NOW + timedelta(seconds=4)
        with pytest.raises(
            ConfigurationError,
            match=r"renewed its record 4 s ago\. .* until \S+T09:30:30Z",
        ):
            await begin(*databases, later, "a copy")
        await check_no_instance(expires_at, *databases)
    async with source.service():
        pass  # The refused copy has left no mark.


@pytest.mark.parametrize("used", [0, 1], ids=["source", "target"])
async def test_a_copy_is_not_finished_if_an_instance_began_to_use_a_database(
    used: int, first: Place, last: Place
) -> None:
    record = an_instance(NOW + timedelta(seconds=30))
    async with first.service():
        pass
    async with both(first, last) as databases:
        await begin(*databases, NOW, "a copy")
        await databases[used].records.add(INSTANCES, "a", record, 1)
        with pytest.raises(ConfigurationError, match=r"an instance of the service renewed"):
            await finish(*databases, NOW)


async def test_sqlite_is_not_copied_while_another_process_has_opened_it(first: Place) -> None:
    async with first.service():
        with pytest.raises(ConfigurationError, match="is in use: stop the service"):
            async with first.open():
                pass
