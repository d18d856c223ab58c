"""Copies between the databases: all records, marks, interruptions."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from adapters.databases import mongo, postgres, sqlite
from adapters.databases.records import copying
from adapters.databases.records.copying import (
    Copying,
    begin,
    check_copy,
    check_no_instance,
    copied_kinds,
    finish,
)
from adapters.databases.records.database import CopyableDatabase, Database
from adapters.databases.records.instances import InstanceRecord
from adapters.databases.records.kinds import AUDIT_ENTRIES, IDENTITIES, INSTANCES
from adapters.databases.records.record_kind import RecordKind
from adapters.databases.records.record_store import RecordStore
from application.ports.errors import ConfigurationError
from entrypoints.composition.features import KINDS
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_records import GOLDEN_RECORDS

KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
LATER: Final = NOW + timedelta(hours=1)
"""When the instance of the golden file has expired."""
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
def in_mongo(mongo_database: str) -> Place:
    return Place(mongo, mongo_database, mongo.open_mongo_database)


@pytest.fixture
def in_postgres(postgres_database: str) -> Place:
    return Place(postgres, postgres_database, postgres.open_postgres_database)


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


@pytest.mark.parametrize(
    "name",
    [
        "last",
        pytest.param("in_mongo", marks=pytest.mark.slow),
        pytest.param("in_postgres", marks=pytest.mark.slow),
    ],
)
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


async def test_an_interrupted_copy_looks_at_what_is_there_and_adds_the_rest(
    first: Place, last: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH_SIZE", 2)
    await fill(first)
    added: list[tuple[str, str]] = []

    def report(label: str, *_: object) -> None:
        if label.startswith("audit_entries"):
            raise KeyboardInterrupt

    async with both(first, last) as (source, filled):
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

    everything = sum((await copy_all(first, last)).values())
    assert 0 < before < len(added) == len(set(added)) == everything


@pytest.mark.parametrize(
    ("name", "statement", "problem"),
    [
        ("last", "UPDATE audit_entries SET version = 1 WHERE id = 'A'", "A has other fields"),
        ("last", "DELETE FROM audit_entries WHERE id = 'A'", "A was not copied"),
        ("first", "DELETE FROM audit_entries WHERE id = 'A'", "5 records became 6"),
    ],
)
async def test_a_copy_that_differs_is_an_error_and_stays_unfinished(
    first: Place, last: Place, name: str, statement: str, problem: str
) -> None:
    await fill(first)
    async with both(first, last) as databases:
        await begin(*databases, LATER, "a copy")
        await Copying(*databases, report_nothing).add_records(is_continued=False)
    changed = {"first": first, "last": last}[name]
    with closing(sqlite3.connect(changed.place)) as connection, connection:
        connection.execute(statement)

    async with both(first, last) as databases:
        with pytest.raises(ConfigurationError, match=f"audit_entries of .* differ: {problem}"):
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


EXPIRES_AT: Final = NOW + timedelta(seconds=30)


async def add_instance(records: RecordStore) -> None:
    record = InstanceRecord(
        id="a",
        program_version="1",
        started_at=NOW,
        renewed_at=NOW,
        expires_at=EXPIRES_AT,
        issuer="dialtone",
        accepted_issuers=("dialtone",),
    )
    await records.add(INSTANCES, "a", record, 1)


async def test_a_copy_is_refused_while_an_instance_is_alive(first: Place, last: Place) -> None:
    async with first.service() as database:
        await add_instance(database.records)

    async with both(first, last) as databases:
        with pytest.raises(
            ConfigurationError, match=r"renewed its record 4 s ago\. .* until \S+T09:30:30Z"
        ):
            await begin(*databases, NOW + timedelta(seconds=4), "a copy")
        await check_no_instance(EXPIRES_AT, *databases)
    async with first.service():
        pass  # The refused copy has left no mark.


@pytest.mark.parametrize("used", [0, 1], ids=["source", "target"])
async def test_a_copy_is_not_finished_if_an_instance_began_to_use_a_database(
    used: int, first: Place, last: Place
) -> None:
    async with first.service():
        pass
    async with both(first, last) as databases:
        await begin(*databases, NOW, "a copy")
        await add_instance(databases[used].records)
        with pytest.raises(ConfigurationError, match=r"an instance of the service renewed"):
            await finish(*databases, NOW)


async def test_sqlite_is_not_copied_while_another_process_has_opened_it(first: Place) -> None:
    async with first.service():
        with pytest.raises(ConfigurationError, match="is in use: stop the service"):
            async with first.open():
                pass
