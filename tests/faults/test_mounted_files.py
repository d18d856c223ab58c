"""Secrets as Kubernetes mounts them, and backups on a disk that becomes full."""

import sys
from pathlib import Path
from typing import Final

from tests.faults.disks import make_read_only, run_with_disk
from tests.integration.test_sqlite_backup import Files, files
from tests.support.keys import create_secrets_file

__all__ = ["files"]

LOAD: Final = """
import sys
from pathlib import Path
from adapters.key_file import load_secrets_file
from application.ports.errors import ConfigurationError
try:
    load_secrets_file(Path(sys.argv[1]), is_strict=True)
    print("loaded")
except ConfigurationError as error:
    print(error)
"""
BACK_UP: Final = """
import shutil, sys
from pathlib import Path
from adapters.sqlite import back_up
from application.ports.errors import ConfigurationError
# Enough space when the backup begins.
usage = shutil.disk_usage("/")
shutil.disk_usage = lambda _: usage._replace(free=10**12)
try:
    back_up(Path(sys.argv[1]), Path(sys.argv[2]))
except ConfigurationError as error:
    print(error)
print(*Path(sys.argv[2]).parent.iterdir())
"""


def test_a_secret_of_kubernetes_is_accepted_as_it_is_mounted(tmp_path: Path) -> None:
    create_secrets_file(tmp_path / "secrets.json")
    disk = tmp_path / "mount"
    disk.mkdir()
    load = [sys.executable, "-c", LOAD, str(disk / "secrets.json")]

    writable, read_only = run_with_disk(
        disk,
        "1m",
        ["mkdir", f"{disk}/..2026_11_21"],
        ["cp", str(tmp_path / "secrets.json"), f"{disk}/..2026_11_21"],
        ["chmod", "0644", f"{disk}/..2026_11_21/secrets.json"],
        ["ln", "-s", "..2026_11_21", f"{disk}/..data"],
        ["ln", "-s", "..data/secrets.json", f"{disk}/secrets.json"],
        ["chmod", "1777", str(disk)],
        load,
        make_read_only(disk),
        load,
    )

    assert writable.startswith("Other users have access to the secrets file ")
    assert read_only == "loaded"


def test_a_backup_on_a_full_disk_leaves_nothing(tmp_path: Path, files: Files) -> None:
    disk = tmp_path / "small"
    disk.mkdir()

    error, left = run_with_disk(
        disk,
        "64k",
        [sys.executable, "-c", BACK_UP, str(files.database), str(disk / "backup.db")],
    )

    assert error.startswith(f"The disk that holds {disk}/backup.db is full")
    assert left == ""
