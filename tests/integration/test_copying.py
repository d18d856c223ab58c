"""Copies between the databases: all records, marks, interruptions."""

import json
import re
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import psycopg
import pytest
from bson import ObjectId

from adapters.mongo import copying as mongo
from adapters.mongo import open_mongo_database
from adapters.postgres import copying as postgres
from adapters.postgres import open_postgres_database
from adapters.records import copying
from adapters.records.copying import (
    Compared,
    CopyableDatabase,
    begin,
    check_no_instance,
    compare_records,
    copied_kinds,
    copy_records,
    finish,
)
from adapters.records.database import Database
from adapters.records.instances import InstanceRecord
from adapters.records.kinds import AUDIT_ENTRIES, IDENTITIES, INSTANCES
from adapters.records.limits import LIMITS
from adapters.records.raw_records import make_raw_record
from adapters.sqlite import copying as sqlite
from adapters.sqlite import open_sqlite_database
from application.ports.errors import ConfigurationError, StorageError
from entrypoints.features import KINDS
from tests.integration.mongo_support import with_metadata_of
from tests.integration.postgres_support import emptied_database
from tests.support.builders import NOW
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_records import GOLDEN_RECORDS

KEY_FINGERPRINT: Final = FakePhoneEncryption().key_fingerprint()
LATER: Final = NOW + timedelta(hours=1)
"""When the instance of the golden file has expired."""
UNKNOWN: Final = {
    "later": {"name": "Zoë 𝄞 \0 \\u0000", "count": 2**53, "none": None, "items": [1, "a", {}]},
    "x" * 300: "y" * 5_000,
}
"""Fields that a newer program has written."""
ODD_IDS: Final = ["A", "a\0b", "é", "\uff5e", "𝄞", "x" * 200]


@dataclass(frozen=True)
class Place:
    """A database, and how it is opened for a copy and for a service."""

    module: ModuleType
    place: Any
    open_service: Callable[[Any, str], AbstractAsyncContextManager[Database]]

    def source(self, fingerprint: str = KEY_FINGERPRINT) -> Any:
        return self.module.open_source(self.place, fingerprint)

    def target(self, fingerprint: str = KEY_FINGERPRINT) -> Any:
        return self.module.open_target(self.place, fingerprint)

    def service(self) -> AbstractAsyncContextManager[Database]:
        return self.open_service(self.place, KEY_FINGERPRINT)


def sqlite_place(path: Path) -> Place:
    return Place(sqlite, path, open_sqlite_database)


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
        yield Place(mongo, emptied_mongo_database, open_mongo_database)


@pytest.fixture
def in_postgres(request: pytest.FixtureRequest) -> Iterator[Place]:
    with emptied_database(request) as url:
        yield Place(postgres, url, open_postgres_database)


async def fill(place: Place) -> None:
    """Add all records of the golden file, with unknown fields and with ids of all kinds."""
    golden = json.loads(GOLDEN_RECORDS.read_bytes())
    async with place.target() as database:
        for kind in (*KINDS, LIMITS):
            # A unique index allows one.
            ids = ODD_IDS if kind is not IDENTITIES else ["00000000000000000000000a"]
            records = [
                make_raw_record(
                    kind, record_id, 2**62 + number, {**golden[kind.name][0], **UNKNOWN}
                )
                for number, record_id in enumerate(ids)
            ]
            await database.add(kind, records)


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
            for kind in (*KINDS, LIMITS)
        }


@asynccontextmanager
async def both(
    source: Place, target: Place
) -> AsyncIterator[tuple[CopyableDatabase, CopyableDatabase]]:
    async with source.source() as opened, target.target() as filled:
        yield opened, filled


async def copy_all(source: Place, target: Place, *, force: bool = False) -> list[Compared]:
    async with both(source, target) as databases:
        await begin(*databases, LATER, f"copy at {source.place}", force=force)
        async for _ in copy_records(*databases):
            pass
        results = [result async for result in compare_records(*databases)]
        await finish(*databases, LATER)
        return [result for result in results if isinstance(result, Compared)]


async def test_all_fields_return_unchanged_from_a_way_through_all_databases(
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
    # The checksum of a kind is the same whichever database has it.
    assert ways[0] == ways[1] == ways[2]
    assert {result.kind: result.count for result in ways[0]} == {
        kind.name: 1 if kind is IDENTITIES else len(ODD_IDS) for kind in copied_kinds()
    }


@pytest.mark.parametrize("name", ["last", "in_mongo", "in_postgres"])
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


@pytest.mark.parametrize("name", ["last", "in_mongo", "in_postgres"])
async def test_an_interrupted_copy_is_continued_after_the_last_batch(
    first: Place, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    target: Place = request.getfixturevalue(name)
    monkeypatch.setattr(copying, "BATCH_SIZE", 2)
    await fill(first)
    async with both(first, target) as databases:
        await begin(*databases, LATER, "a copy")
        steps = copy_records(*databases)
        for _ in range(8):
            await anext(steps)
        await steps.aclose()

    async with both(first, target) as databases:
        assert await begin(*databases, LATER, "another copy")
        done = [step async for step in copy_records(*databases)]
        copied = sum(6 if kind is not IDENTITIES else 1 for kind in copied_kinds())
        assert len(done) < copied / 2
    assert len(await copy_all(first, target)) == len(copied_kinds())


async def test_a_copy_that_differs_is_an_error_and_stays_unfinished(
    first: Place, last: Place
) -> None:
    await fill(first)
    async with both(first, last) as databases:
        await begin(*databases, LATER, "a copy")
        async for _ in copy_records(*databases):
            pass
    with closing(sqlite3.connect(last.place)) as connection, connection:
        connection.execute(
            "UPDATE audit_entries SET body = json_set(body, '$.reason', 'x') WHERE id = 'A'"
        )

    async with both(first, last) as databases:
        with pytest.raises(ConfigurationError, match=r"audit_entries of .* differ: 6 records"):
            async for _ in compare_records(*databases):
                pass
    with pytest.raises(ConfigurationError, match="is the target of a copy"):
        async with last.service():
            pass


async def test_the_second_of_two_copies_changes_nothing_after_the_first(
    first: Place, last: Place
) -> None:
    await fill(first)
    async with both(first, last) as databases:
        await begin(*databases, LATER, "a copy")
        async for _ in copy_records(*databases):
            pass
        await copy_all(first, last)
        async with last.service() as database:
            await database.records.delete(AUDIT_ENTRIES, "A", 2**62)

        with pytest.raises(ConfigurationError, match="by another `dialtone copy`"):
            async for _ in compare_records(*databases):
                pass
        with pytest.raises(ConfigurationError, match="by another `dialtone copy`"):
            await finish(*databases, LATER)
    async with last.service():
        pass


async def test_a_batch_that_another_copy_wrote_is_an_error_in_words(
    first: Place, in_mongo: Place, in_postgres: Place, last: Place
) -> None:
    await fill(first)
    for target in (in_mongo, in_postgres, last):
        async with both(first, target) as (source, filled):
            records = await source.scan(AUDIT_ENTRIES, "", 1)
            await filled.add(AUDIT_ENTRIES, records)
            with pytest.raises(ConfigurationError, match="or another `dialtone copy` fills this"):
                await filled.add(AUDIT_ENTRIES, records)


async def test_a_value_that_the_target_cannot_store_is_an_error_in_words(
    in_mongo: Place, in_postgres: Place, last: Place
) -> None:
    of_mongo = make_raw_record(AUDIT_ENTRIES, "a", 1, {"later": ObjectId()})
    for target in (in_postgres, last):
        async with target.target() as database:
            with pytest.raises(ConfigurationError, match="has a value that JSON does not have"):
                await database.add(AUDIT_ENTRIES, [of_mongo])
    async with in_mongo.target() as database:
        with pytest.raises(ConfigurationError, match="has a number of more than 64 bits"):
            await database.add(
                AUDIT_ENTRIES, [make_raw_record(AUDIT_ENTRIES, "a", 1, {"later": 2**64})]
            )
        await database.add(AUDIT_ENTRIES, [of_mongo])
    async with both(in_mongo, in_postgres) as databases:
        with pytest.raises(ConfigurationError, match=r"audit_entries in .* cannot be read"):
            async for _ in compare_records(*databases):
                pass


async def test_a_time_without_a_time_zone_is_an_error_in_words(first: Place, last: Place) -> None:
    await fill(first)
    with closing(sqlite3.connect(first.place)) as connection, connection:
        connection.execute(
            "UPDATE audit_entries SET body = json_set(body, '$.at', '2026-06-01T09:30:00')"
        )
    with pytest.raises(ConfigurationError, match=r"audit_entries in .* cannot be read"):
        await copy_all(first, last)


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
            yield Place(postgres, url, open_postgres_database)
        finally:
            connection.execute(f"DROP OWNED BY {user}; DROP ROLE {user};")


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
        async with reader.source():
            pytest.fail("it was opened")
    with role_with(in_postgres, f"ALL ON {tables}", "USAGE, CREATE ON SCHEMA public") as writer:
        assert await copy_all(writer, last)


async def test_a_lost_connection_to_postgresql_is_no_word_to_correct_the_url(
    postgres_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with postgres.open_target(postgres_database, KEY_FINGERPRINT) as database:
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(StorageError, match="postgresql://"):
            await database.add(AUDIT_ENTRIES, [make_raw_record(AUDIT_ENTRIES, "a", 1, {"at": NOW})])
    assert "psycopg" not in {record.name for record in caplog.records}


async def test_a_call_that_mongodb_does_not_complete_is_an_error_that_names_it(
    in_mongo: Place,
) -> None:
    record = make_raw_record(AUDIT_ENTRIES, "a", 1, {"a name with \0": None})
    async with in_mongo.target() as database:
        with pytest.raises(StorageError, match=r"mongodb://.* \(InvalidDocument\)"):
            await database.add(AUDIT_ENTRIES, [record])


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
    with pytest.raises(ConfigurationError, match="is both source and target"):
        await copy_all(other, other)
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


async def test_a_database_of_other_keys_is_refused(first: Place) -> None:
    await fill(first)
    with pytest.raises(ConfigurationError, match="was written with other keys"):
        async with first.source("other keys"):
            pass


@pytest.mark.parametrize("name", ["last", "in_mongo", "in_postgres"])
async def test_a_copy_is_refused_while_an_instance_is_alive(
    first: Place, name: str, request: pytest.FixtureRequest
) -> None:
    source: Place = request.getfixturevalue(name)
    expires_at = NOW + timedelta(seconds=30)
    record = InstanceRecord(
        id="a",
        program_version="1",
        started_at=NOW,
        renewed_at=NOW,
        expires_at=expires_at,
        issuer="dialtone",
        accepted_issuers=("dialtone",),
    )
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
    fields = {
        "program_version": "1",
        "started_at": NOW,
        "renewed_at": NOW,
        "expires_at": NOW + timedelta(seconds=30),
        "issuer": "dialtone",
        "accepted_issuers": ["dialtone"],
    }
    async with first.target():
        pass
    async with both(first, last) as databases:
        await begin(*databases, NOW, "a copy")
        await databases[used].add(INSTANCES, [make_raw_record(INSTANCES, "a", 1, fields)])
        with pytest.raises(ConfigurationError, match=r"an instance of the service renewed"):
            await finish(*databases, NOW)


async def test_sqlite_is_not_copied_while_another_process_has_opened_it(first: Place) -> None:
    async with first.service():
        with pytest.raises(ConfigurationError, match="is in use: stop the service"):
            async with first.source():
                pass
