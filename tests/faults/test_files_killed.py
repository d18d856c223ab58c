"""Files of a process that is killed (-9) at any line while it writes them."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

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
BACKUP_KILLED: Final = f"""{KILL_AT}
import shutil
from datetime import UTC, datetime
from pathlib import Path
from adapters.databases.sqlite import back_up_database, restore_database
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
        if sys.argv[3] == "restore":
            restore_database(path, backup, datetime.now(UTC))
        else:
            back_up_database(path, backup, replace=True)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    kept = [count(file) for file in folder.glob("*.before-restore-*Z")]
    print(count(path), count(backup), *kept)
    if status == 0:
        break
"""
KEYS_KILLED: Final = f"""{KILL_AT}
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from adapters.security.keys.keys import load_secrets_file
from adapters.security.keys.rotation import rotate_secrets_file
from application.ports.keys import KeyPurpose

path = Path(sys.argv[1])
now = datetime.now(UTC) + timedelta(seconds=1)
old = path.read_bytes() if path.exists() else None

def write():
    if old is None:
        return load_secrets_file(path, create_missing=True)
    rotate_secrets_file(path, now, dict.fromkeys(KeyPurpose, timedelta(days=90)))
    return load_secrets_file(path)

for line in range(1, 10_000):
    if old is None:
        shutil.rmtree(path.parent, ignore_errors=True)
    else:
        path.write_bytes(old)
    child = os.fork()
    if child == 0:
        kill_at(line, "adapters/security/keys/")
        write()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    keys = load_secrets_file(path).keys if path.exists() else None
    is_written = keys is not None and path.read_bytes() != old
    assert old is None or keys is not None, line
    print(os.WTERMSIG(status), is_written, keys and len(keys[KeyPurpose.SIGNING]))
    if old is None:
        assert keys in (None, write().keys), line
    if status == 0:
        break
if old is not None:
    path.write_bytes(old)
    write()
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


@pytest.mark.parametrize(
    ("command", "first", "last"),
    [("restore", "2 1", "1 1 2"), ("backup", "2 1", "2 2")],
)
def test_a_database_and_its_backup_stay_complete(
    tmp_path: Path, command: str, first: str, last: str
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    database = copies / "records.db"
    add_identity(database, 1)
    back_up_database(database, copies / "backup.db")
    add_identity(database, 2)
    lines = run(BACKUP_KILLED, copies, tmp_path / "killed", command)

    assert (lines[0], lines[-1]) == (first, last)
    # Restoring has a moment in which the old database has two names.
    assert set(Counter(lines)) <= {first, last, "2 1 2"}


@pytest.mark.parametrize("existed", [False, True], ids=["create", "rotate"])
def test_a_secrets_file_is_whole_or_the_one_before(tmp_path: Path, existed: bool) -> None:
    path = tmp_path / "var" / "secrets.json"
    if existed:
        create_secrets_file(path)

    *ends, files = run(KEYS_KILLED, path)

    before, after = ("False 1", "True 2") if existed else ("False None", "True 1")
    assert ends[-1] == f"0 {after}"
    assert {f"9 {before}", f"9 {after}"} == set(ends[:-1])
    assert files == "secrets.json"
