import asyncio
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from adapters.sqlite import DatabaseNotUsable, open_sqlite_records
from adapters.sqlite.connection import connect_to_write
from adapters.sqlite.file import create_missing
from application.ports.versioned import Versioned
from domain.identities.identity import Identity
from tests.support.builders import an_id, an_identity
from tests.support.fakes.seal import FakeSeal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def ran(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Without the rights of root, which no mode of a folder stops."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def opened_once(path: Path) -> None:
    """Leave a database of ours there."""

    async def use() -> None:
        async with open_sqlite_records(path, FakeSeal()) as records:
            await records.identities.add(an_identity())

    asyncio.run(use())


def kept_in(path: Path) -> Versioned[Identity] | None:
    """What a database that was opened once gives back."""

    async def use() -> Versioned[Identity] | None:
        async with open_sqlite_records(path, FakeSeal()) as records:
            return await records.identities.load(an_id())

    return asyncio.run(use())


def refusal(path: Path, seal: FakeSeal | None = None) -> str:
    """Why a file is refused: one sentence that names the file and a way out."""

    async def use() -> None:
        async with open_sqlite_records(path, seal or FakeSeal()):
            pytest.fail("it was opened")

    with pytest.raises(DatabaseNotUsable) as refused:
        asyncio.run(use())
    text = str(refused.value)
    assert text.startswith(str(path))
    assert re.search(r": .*(name another file|name a file|start with|start that)", text)
    assert "\n" not in text
    return text


def test_a_file_and_its_folders_are_made(tmp_path: Path) -> None:
    opened_once(tmp_path / "a" / "b" / "records.db")

    assert kept_in(tmp_path / "a" / "b" / "records.db") == Versioned(an_identity(), 1)


def test_a_file_that_was_made_is_its_owners_alone(path: Path) -> None:
    modes = {}

    async def use() -> None:
        async with open_sqlite_records(path, FakeSeal()):
            modes.update(
                {one.name: stat.S_IMODE(one.stat().st_mode) for one in files_in(path.parent)}
            )

    asyncio.run(use())
    assert modes == {"records.db": 0o600, "records.db-wal": 0o600, "records.db-shm": 0o600}


def test_a_path_is_taken_as_it_is_written(tmp_path: Path) -> None:
    opened_once(tmp_path / "what? 100% #1 & more.db")

    assert [one.name for one in files_in(tmp_path)] == ["what? 100% #1 & more.db"]


def test_a_file_of_no_bytes_is_a_new_database(path: Path) -> None:
    path.touch()

    opened_once(path)


def test_the_database_of_a_newer_version_is_refused(path: Path) -> None:
    opened_once(path)
    ran(path, "PRAGMA user_version = 1000")

    assert "newer version of Dialtone (schema 1000" in refusal(path)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE users (id)",
        "PRAGMA application_id = 252006",
        "PRAGMA user_version = 3",
        "CREATE TABLE meta (name, value); INSERT INTO meta VALUES ('fingerprint', 'x')",
    ],
)
def test_the_database_of_another_program_is_refused_and_left_alone(path: Path, script: str) -> None:
    ran(path, script)
    before = path.read_bytes()

    assert "another program" in refusal(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"hello", b"\xff\xd8\xff\xe0" * 4096])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert "no SQLite database" in refusal(path)
    assert path.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir()

    assert "is a folder" in refusal(path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").touch()

    assert "in the place of a folder" in refusal(tmp_path / "var" / "records.db")
    assert "in the place of a folder" in refusal(tmp_path / "var" / "a" / "records.db")


def test_a_database_of_other_keys_is_refused_and_opens_with_its_own(path: Path) -> None:
    opened_once(path)

    assert "other keys" in refusal(path, FakeSeal(b"another key"))
    assert kept_in(path) == Versioned(an_identity(), 1)


def test_a_folder_that_may_not_be_entered_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)

    with as_somebody_else(), pytest.raises(DatabaseNotUsable, match="cannot be written"):
        create_missing(folder / "records.db")


def test_what_is_acknowledged_was_synced_to_the_disk(path: Path) -> None:
    with closing(connect_to_write(path, "keys")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_damaged_file_is_refused(path: Path) -> None:
    opened_once(path)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xaa" * (len(content) - 100))

    assert "is damaged" in refusal(path)


def test_a_refused_file_is_not_held(path: Path) -> None:
    opened_once(path)
    refusal(path, FakeSeal(b"another key"))

    with closing(sqlite3.connect(path, timeout=0)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
