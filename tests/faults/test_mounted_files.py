"""Rotations on a disk that becomes full or read-only."""

import sys
from pathlib import Path
from typing import Final

from tests.faults.disks import fill, make_read_only, run_with_disk
from tests.support.keys import create_secrets_file

ROTATE: Final = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from adapters.security.keys.rotation import rotate_secrets_file
from application.ports.errors import ConfigurationError
path = Path(sys.argv[1])
try:
    rotate_secrets_file(path, datetime.now(UTC) + timedelta(seconds=1), {})
    print("rotated")
except ConfigurationError as error:
    print(error)
print(path.read_text() == Path(sys.argv[2]).read_text(), *sorted(path.parent.glob("*s*")))
"""


def test_a_rotation_on_a_full_or_read_only_disk_leaves_the_file(tmp_path: Path) -> None:
    secrets, disk = tmp_path / "secrets.json", tmp_path / "small"
    create_secrets_file(secrets)
    disk.mkdir()
    path = disk / "secrets.json"
    rotate = [sys.executable, "-c", ROTATE, str(path), str(secrets)]

    full, unchanged, read_only, still_unchanged = run_with_disk(
        disk,
        "64k",
        ["cp", str(secrets), str(path)],
        fill(disk),
        rotate,
        make_read_only(disk),
        rotate,
    )

    assert f"{path} cannot be replaced: [Errno 28] No space left on device" in full
    assert f"{path} is mounted (Read-only file system)" in read_only
    for line in (unchanged, still_unchanged):
        assert line == f"True {disk}/ballast {path}"
