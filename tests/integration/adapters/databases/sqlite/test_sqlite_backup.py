"""Backups of SQLite files, and restoring them."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from stat import ST_GID, ST_UID
from typing import Final, NamedTuple

import pytest

from adapters.databases.records.database_metadata import SCHEMA_VERSION
from adapters.databases.sqlite import back_up_database, restore_database
from application.ports.errors import ConfigurationError
from tests.support.builders import NOW
from tests.support.sqlite_files import add_identity, count_identities, query


class TwoFiles(NamedTuple):
    database: Path
    backup: Path


@pytest.fixture
def files(tmp_path: Path) -> TwoFiles:
    """Return a database with two identities, and a backup from when it had one."""
    files = TwoFiles(tmp_path / "records.db", tmp_path / "backup.db")
    add_identity(files.database, 1)
    back_up_database(files.database, files.backup)
    add_identity(files.database, 2)
    return files


def change(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as raised:
        call()
    return str(raised.value)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def damage(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(3 * 4096)
        opened.write(b"\xff" * 8 * 4096)


# Backups


def test_a_backup_has_what_is_in_the_log_only(files: TwoFiles) -> None:
    copied = files.database.with_name("copied.db")
    value = "SELECT health_check_count FROM database_metadata"
    with closing(sqlite3.connect(files.database, isolation_level=None)) as in_use:
        in_use.execute("PRAGMA journal_mode = WAL")
        in_use.execute("UPDATE database_metadata SET health_check_count = 7")
        shutil.copyfile(files.database, copied)

        back_up_database(files.database, files.backup, replace=True)

    assert (query(copied, value), query(files.backup, value)) == (0, 7)
    # It is one file, which needs no writable folder.
    assert query(files.backup, "PRAGMA journal_mode") == "delete"
    other = files.backup.with_name("other.db")
    assert restore_database(other, copied, NOW).may_lack_log
    assert not restore_database(other, files.backup, NOW).may_lack_log


def test_an_existing_file_is_replaced_only_on_request(files: TwoFiles) -> None:
    error = error_of(lambda: back_up_database(files.database, files.backup))

    assert error.startswith(f"{files.backup} exists: ")
    assert count_identities(files.backup) == 1
    # What a killed backup has left is replaced too.
    files.backup.with_name(".backup.db.partial").write_bytes(b"garbage" * 10_000)
    files.backup.with_name(".backup.db.partial-wal").write_bytes(b"its log")
    assert back_up_database(files.database, files.backup, replace=True).identity_count == 2
    assert count_identities(files.backup) == 2
    assert names(files.backup.parent) == ["backup.db", "records.db"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("secrets.json", "is no backup of Dialtone"),
        ("same_database.db", "is the database itself"),
        ("records.db-wal", "is the database itself"),
        ("other.db", "may be a database in use"),
    ],
)
def test_only_a_backup_is_replaced(files: TwoFiles, target: str, reason: str) -> None:
    folder = files.database.parent
    (folder / "secrets.json").write_text("{}")
    (folder / "same_database.db").hardlink_to(files.database)
    shutil.copyfile(files.database, folder / "other.db")
    (folder / "other.db-wal").touch()
    before = names(folder)

    error = error_of(lambda: back_up_database(files.database, folder / target, replace=True))

    assert reason in error
    assert names(folder) == before
    assert count_identities(files.database) == 2


def test_a_backup_without_free_space_or_of_a_damaged_database_leaves_the_earlier_one(
    files: TwoFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        usage = shutil.disk_usage(files.backup.parent)
        patched.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
        error = error_of(lambda: back_up_database(files.database, files.backup, replace=True))
        assert error.startswith(f"Free some space in {files.backup.parent}: ")
    damage(files.database)
    error = error_of(lambda: back_up_database(files.database, files.backup, replace=True))
    assert error.startswith(f"{files.database} is damaged")

    assert names(files.backup.parent) == ["backup.db", "records.db"]
    assert count_identities(files.backup) == 1


# Restoring


def test_the_old_database_is_kept_with_what_was_in_its_log(files: TwoFiles) -> None:
    killed = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("UPDATE database_metadata SET health_check_count = 7")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", killed, files.database], check=True)
    assert (files.database.parent / "records.db-wal").stat().st_size

    restored = restore_database(files.database, files.backup, NOW)

    assert restored.kept_at is not None
    value = "SELECT health_check_count FROM database_metadata"
    assert (query(restored.kept_at, value), query(files.database, value)) == (7, 0)
    assert names(files.database.parent) == ["backup.db", "records.db", restored.kept_at.name]
    assert count_identities(files.database) == 1


def test_a_backup_is_restored_where_no_database_is_even_if_its_log_is(files: TwoFiles) -> None:
    files.database.unlink()
    files.database.with_name("records.db-wal").write_bytes(b"its log")

    for path in (files.database, files.database.parent / "var" / "new.db"):
        assert restore_database(path, files.backup, NOW).kept_at is None
        assert count_identities(path) == 1
        assert path.stat().st_mode & 0o777 == 0o600
    assert not files.database.with_name("records.db-wal").exists()


def test_a_damaged_database_is_restored(files: TwoFiles) -> None:
    files.database.write_bytes(content := b"SQLite format 3\0" + b"\xff" * 9000)
    files.database.with_name("records.db-wal").write_bytes(b"its log")

    restored = restore_database(files.database, files.backup, NOW)

    assert restored.kept_at is not None
    assert restored.kept_at.read_bytes() == content
    assert count_identities(files.database) == 1
    assert not files.database.with_name("records.db-wal").exists()


def script(sql: str) -> Callable[[Path], None]:
    return lambda file: change(file, sql)


OTHER_VERSION: Final = "UPDATE database_metadata SET schema_version = {}"
# It would give the role of an administrator to each identity that is saved.
TRIGGER: Final = """
CREATE TRIGGER doctored AFTER UPDATE ON identities BEGIN
    UPDATE identities SET body = json_set(body, '$.staff.role', 'administrator') WHERE id = new.id;
END
"""


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (script(OTHER_VERSION.format(1)), "was written by Dialtone 0.1.0"),
        (script(OTHER_VERSION.format(SCHEMA_VERSION + 1)), "was written by another version"),
        (script("PRAGMA application_id = 1"), "is the database of another program"),
        (lambda backup: backup.write_text("a note"), "is no SQLite database"),
        (damage, "is damaged"),
        (os.unlink, "is no file"),
        (script(TRIGGER), "has the unknown 'trigger doctored': drop it"),
    ],
)
def test_a_file_that_is_no_good_backup_changes_nothing(
    files: TwoFiles, make: Callable[[Path], object], reason: str
) -> None:
    make(files.backup)
    before = files.database.read_bytes()

    error = error_of(lambda: restore_database(files.database, files.backup, NOW))

    assert error.startswith(f"{files.backup} {reason}")
    assert files.database.read_bytes() == before
    assert set(names(files.database.parent)) <= {"backup.db", "records.db"}


def while_copying(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> None:
    usage = shutil.disk_usage

    def call_first(path: Path) -> object:
        call()
        return usage(path)

    monkeypatch.setattr(shutil, "disk_usage", call_first)


def test_no_other_process_uses_the_database_while_a_backup_is_restored(
    files: TwoFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=0).execute("SELECT count(*) FROM identities")
"""
    errors: list[str] = []

    def use() -> None:
        arguments = [sys.executable, "-c", script, str(files.database)]
        finished = subprocess.run(arguments, capture_output=True, text=True, check=False)
        errors.append(finished.stderr.splitlines()[-1])

    while_copying(monkeypatch, use)
    restore_database(files.database, files.backup, NOW)

    assert errors == ["sqlite3.OperationalError: database is locked"]
    assert count_identities(files.database) == 1


def test_a_database_that_is_created_meanwhile_is_not_replaced(
    files: TwoFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.db"
    while_copying(monkeypatch, lambda: shutil.copyfile(files.database, path))

    assert "is in use" in error_of(lambda: restore_database(path, files.backup, NOW))
    assert count_identities(path) == 2
    assert names(tmp_path) == ["backup.db", "new.db", "records.db"]


def test_the_owner_of_the_database_owns_the_one_that_root_restores(
    files: TwoFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat, given = os.stat, list[tuple[int, int]]()

    def stat_with_owner(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        status = [*stat(path, follow_symlinks=follow_symlinks)]
        if path == files.database:
            status[ST_UID], status[ST_GID] = 12345, 23456
        return os.stat_result(status)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", stat_with_owner)
    for name in ("chown", "fchown"):
        monkeypatch.setattr(os, name, lambda _, user, group: given.append((user, group)))

    restored = restore_database(files.database, files.backup, NOW)

    assert given == [(12345, 23456)]
    assert stat(restored.path).st_mode & 0o777 == 0o600
