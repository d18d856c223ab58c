"""Opening a file: what is created and rejected, and noticed when the file is gone."""

import asyncio
import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.databases.records.database_metadata import SCHEMA_VERSION
from adapters.databases.sqlite.database import DatabaseFile
from adapters.databases.sqlite.schema import prepare_schema
from application.ports.errors import ConfigurationError, StorageUnavailable
from application.ports.repositories import Repositories
from domain.identities.identity import Identity
from tests.integration.adapters.databases.openings import SQLITE_OPENING
from tests.support.builders import a_phone, a_phone_verification, an_id, an_identity
from tests.support.repositories import open_sqlite_repositories
from tests.support.stored_files import as_unprivileged_user


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def add_identity(path: Path) -> None:
    async def use() -> None:
        async with open_sqlite_repositories(path) as repositories:
            assert await repositories.identities.add(an_identity())

    asyncio.run(use())


def load_identity(path: Path) -> Identity | None:
    async def use() -> Identity | None:
        async with open_sqlite_repositories(path) as repositories:
            loaded = await repositories.identities.load(an_id())
            return loaded.value if loaded else None

    return asyncio.run(use())


def startup_error(path: Path) -> str:
    message = asyncio.run(SQLITE_OPENING.error(path))
    assert message.startswith(str(path))
    return message


def test_a_created_file_is_readable_by_its_owner_only(path: Path) -> None:
    modes = {}

    async def use() -> None:
        async with open_sqlite_repositories(path):
            modes.update(
                {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
            )

    asyncio.run(use())
    assert modes == {"records.db": 0o600, "records.db-wal": 0o600, "records.db-shm": 0o600}


def test_special_characters_of_a_path_are_taken_literally(tmp_path: Path) -> None:
    path = tmp_path / "a" / "what? 100% #1 & more.db"  # The folder is created.
    add_identity(path)

    assert [file.name for file in path.parent.iterdir()] == [path.name]
    path.with_name("empty").touch()  # An empty file becomes a database.
    add_identity(path.with_name("empty"))
    assert load_identity(path) == an_identity()


def test_a_file_that_is_no_database_is_rejected_and_not_changed(path: Path) -> None:
    path.write_bytes(content := b"\xff\xd8\xff\xe0" * 4096)
    assert "no SQLite database" in startup_error(path)
    assert "in the place of a folder" in startup_error(path / "records.db")
    assert "in the place of a folder" in startup_error(path / "a" / "records.db")
    assert path.read_bytes() == content
    path.unlink()
    path.mkdir()
    assert "is a folder" in startup_error(path)
    path.rmdir()
    os.mkfifo(path)
    assert "is not a regular file" in startup_error(path)


def test_a_folder_without_permission_is_rejected(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)

    with as_unprivileged_user(), pytest.raises(ConfigurationError, match="cannot be written"):
        DatabaseFile(folder / "records.db").connect_to_write("keys")


def test_a_damaged_file_is_rejected(path: Path) -> None:
    add_identity(path)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xaa" * (len(content) - 100))

    assert "is damaged (SQLITE_" in startup_error(path)


def test_a_commit_is_synced_to_the_disk(path: Path) -> None:
    with closing(DatabaseFile(path).connect_to_write("keys")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


async def replace_verification(repositories: Repositories) -> bool:
    return await repositories.phone_verifications.save(a_phone(), a_phone_verification(), 0)


async def test_a_file_that_was_moved_is_not_used_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    async with open_sqlite_repositories(path) as repositories:
        path.rename(path.with_name("moved.db"))
        path.write_bytes(b"")  # Another file at the path.
        for operation in (
            replace_verification(repositories),
            repositories.phone_verifications.load(a_phone()),
            repositories.health.check(),
        ):
            with pytest.raises(StorageUnavailable, match="moved or removed"):
                await operation
        path.with_name("moved.db").rename(path)
        assert await replace_verification(repositories)


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def read_metadata(connection: sqlite3.Connection) -> object:
    columns = "schema_version, key_fingerprint, health_check_count"
    return connection.execute(f"SELECT {columns} FROM database_metadata").fetchone()  # noqa: S608


def test_a_new_file_gets_the_schema_and_the_next_start_writes_nothing(
    connection: sqlite3.Connection, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="adapters.databases.sqlite")
    prepare_schema(connection, path, "keys")
    before = connection.total_changes, connection.execute("PRAGMA schema_version").fetchone()

    prepare_schema(connection, path, "keys")

    after = connection.total_changes, connection.execute("PRAGMA schema_version").fetchone()
    assert after == before
    assert read_metadata(connection) == (SCHEMA_VERSION, "keys", 0)
    assert [record.msg for record in caplog.records] == [
        {"event": "database_created", "schema_version": SCHEMA_VERSION}
    ]
