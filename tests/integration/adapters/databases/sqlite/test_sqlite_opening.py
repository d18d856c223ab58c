"""Opening a file: what is created and rejected, and noticed when the file is gone."""

import asyncio
import errno
import fcntl
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.databases.sqlite.database import DatabaseFile
from adapters.databases.sqlite.errors import to_startup_error
from application.ports.errors import DatabaseLocked, StorageUnavailable
from tests.integration.adapters.databases.openings import SQLITE_OPENING
from tests.support.builders import a_phone, a_phone_verification
from tests.support.repositories import open_sqlite_repositories


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


async def test_a_created_file_is_readable_by_its_owner_only(path: Path) -> None:
    async with open_sqlite_repositories(path):
        modes = {
            entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(path.parent)
        }

    assert modes == {"records.db": 0o600, "records.db-wal": 0o600, "records.db-shm": 0o600}


def test_special_characters_of_a_path_are_taken_literally(tmp_path: Path) -> None:
    path = tmp_path / "a" / "what? 100% #1 & more.db"  # The folder is created.
    for _ in range(2):
        asyncio.run(SQLITE_OPENING.create(path))

    assert [file.name for file in path.parent.iterdir()] == [path.name]
    path.with_name("empty").touch()  # An empty file becomes a database.
    asyncio.run(SQLITE_OPENING.create(path.with_name("empty")))


def test_a_file_that_is_no_database_is_rejected_and_not_changed(path: Path) -> None:
    def error(path: Path) -> str:
        return asyncio.run(SQLITE_OPENING.error(path))

    path.write_bytes(content := b"\xff\xd8\xff\xe0" * 4096)
    assert error(path).startswith(f"{path} is no SQLite database")
    assert "in the place of a folder" in error(path / "a" / "records.db")
    assert path.read_bytes() == content
    path.unlink()
    asyncio.run(SQLITE_OPENING.create(path))
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xaa" * (len(content) - 100))
    assert "is damaged (SQLITE_" in error(path)
    path.unlink()
    os.mkfifo(path)
    assert "is not a regular file" in error(path)


@pytest.mark.parametrize("code", ["SQLITE_BUSY", "SQLITE_IOERR_LOCK", "SQLITE_IOERR_SHMMAP"])
def test_a_file_system_without_locks_is_named_and_not_taken_for_a_lock(
    path: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite3.OperationalError("any text")
    error.sqlite_errorname = code
    busy = to_startup_error(path, error)
    assert isinstance(busy, DatabaseLocked) == (code == "SQLITE_BUSY")

    def lock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", lock)
    no_locks = to_startup_error(path, error)
    assert not isinstance(no_locks, DatabaseLocked)
    assert str(no_locks).startswith(f"{path} must be on a local disk")


def test_a_file_that_cannot_be_written_is_an_error_of_the_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(SQLITE_OPENING.create(path))
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def connect_to_read(url: str, **options: Any) -> sqlite3.Connection:
        return connect(url.replace("mode=rw", "mode=ro"), **options)

    # What SQLite does with a file that this user cannot write; these tests may run as root.
    monkeypatch.setattr(sqlite3, "connect", connect_to_read)
    assert asyncio.run(SQLITE_OPENING.error(path)).startswith(f"{path} cannot be written")


def test_a_commit_is_synced_to_the_disk(path: Path) -> None:
    with closing(DatabaseFile(path).connect_to_write("keys")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


async def test_a_file_that_was_moved_is_not_used_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    async with open_sqlite_repositories(path) as repositories:
        verifications = repositories.phone_verifications
        path.rename(path.with_name("moved.db"))
        path.write_bytes(b"")  # Another file at the path.
        for operation in (
            verifications.save(a_phone(), a_phone_verification(), 0),
            verifications.load(a_phone()),
            repositories.health.check(),
        ):
            with pytest.raises(StorageUnavailable, match="moved or removed"):
                await operation
        path.with_name("moved.db").rename(path)
        assert await verifications.save(a_phone(), a_phone_verification(), 0)
