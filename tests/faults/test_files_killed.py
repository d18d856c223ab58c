"""Files of a process that is killed (-9) at any line while it writes them."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from adapters.databases.sqlite import back_up_database
from tests.support.keys import create_secrets_file
from tests.support.sqlite_files import add_identity

PROJECT: Final = Path(__file__).parents[2]
KILL_AT: Final = """
import os, signal, sys

def kill_at(line, file):
    lines_left = line
    def trace(frame, event, _):
        nonlocal lines_left
        if file not in frame.f_code.co_filename:
            return None
        lines_left -= event == "line"
        if lines_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
"""
SCHEMA_KILLED: Final = f"""{KILL_AT}
import sqlite3
from contextlib import closing
from pathlib import Path
import entrypoints.composition.features
from adapters.databases.sqlite.schema import prepare_schema
from tests.support.fakes.phone_encryption import FakePhoneEncryption

folder, fingerprint = Path(sys.argv[1]), FakePhoneEncryption().key_fingerprint()
for line in range(1, 10_000):
    path = folder / f"{{line}}.db"
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        kill_at(line, "sqlite/schema.py")
        prepare_schema(connection, path, fingerprint)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    with closing(sqlite3.connect(path)) as connection:
        print(*connection.execute("PRAGMA schema_version").fetchone())
    if status == 0:
        break
"""
RESTORE_KILLED: Final = f"""{KILL_AT}
import shutil
from datetime import UTC, datetime
from pathlib import Path
from adapters.databases.sqlite import restore_database
from tests.support.sqlite_files import count_identities, query

files, folder = Path(sys.argv[1]), Path(sys.argv[2])
path, backup = folder / "records.db", folder / "backup.db"

def count(file):
    if not file.exists():
        return None
    assert query(file, "PRAGMA integrity_check") == "ok"
    return count_identities(file)

for line in range(1, 10_000):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(files, folder)
    child = os.fork()
    if child == 0:
        kill_at(line, "sqlite/backup.py")
        restore_database(path, backup, datetime.now(UTC))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    kept = [count(file) for file in folder.glob("*.before-restore-*Z")]
    print(count(path), count(backup), *kept)
    if status == 0:
        break
"""
KEYS_KILLED: Final = f"""{KILL_AT}
from datetime import UTC, datetime, timedelta
from pathlib import Path
from adapters.security.keys.keys import load_secrets_file
from adapters.security.keys.rotation import rotate_secrets_file
from application.ports.keys import KeyPurpose

path = Path(sys.argv[1])
now = datetime.now(UTC) + timedelta(seconds=1)
old = path.read_bytes()

def rotate():
    rotate_secrets_file(path, now, dict.fromkeys(KeyPurpose, timedelta(days=90)))

for line in range(1, 10_000):
    path.write_bytes(old)
    child = os.fork()
    if child == 0:
        kill_at(line, "adapters/security/keys/")
        rotate()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    keys = load_secrets_file(path).keys
    print(os.WTERMSIG(status), path.read_bytes() != old, len(keys[KeyPurpose.SIGNING]))
    if status == 0:
        break
path.write_bytes(old)
rotate()
print(*sorted(file.name for file in path.parent.iterdir()))
"""


def run(script: str, *arguments: str | Path) -> list[str]:
    finished = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stderr == ""
    return finished.stdout.splitlines()


def test_a_new_database_has_the_whole_schema_or_nothing(tmp_path: Path) -> None:
    lines = run(SCHEMA_KILLED, tmp_path)

    assert (lines[0], len({*lines})) == ("0", 2)


def test_a_database_that_is_restored_and_its_backup_stay_complete(tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    database = copies / "records.db"
    add_identity(database, 1)
    back_up_database(database, copies / "backup.db")
    add_identity(database, 2)
    lines = run(RESTORE_KILLED, copies, tmp_path / "killed")

    assert (lines[0], lines[-1]) == ("2 1", "1 1 2")
    # There is a moment in which the old database has two names.
    assert {*lines} <= {"2 1", "1 1 2", "2 1 2"}


def test_a_secrets_file_is_the_new_one_or_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secrets.json"
    create_secrets_file(path)

    *ends, files = run(KEYS_KILLED, path)

    assert ends[-1] == "0 True 2"
    assert {*ends[:-1]} == {"9 False 1", "9 True 2"}
    assert files == "secrets.json"
