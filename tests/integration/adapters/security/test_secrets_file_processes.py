"""Many processes that create or rotate a secrets file at once."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from adapters.security.keys.rotation import ROTATED_PURPOSES
from tests.support.keys import create_secrets_file, load_keys

pytestmark = pytest.mark.slow

PROJECT: Final = Path(__file__).parents[4]
SETUP: Final = """
import hashlib, os, shutil, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from adapters.security.keys.keys import load_secrets_file
from adapters.security.keys.rotation import rotate_secrets_file
from application.ports.errors import ConfigurationError
from application.ports.keys import KeyPurpose

path = Path(sys.argv[1])
now = datetime.now(UTC) + timedelta(seconds=1)
old = path.read_bytes() if path.exists() else None

def write():
    if old is None:
        return load_secrets_file(path, create_missing=True)
    rotate_secrets_file(path, now, dict.fromkeys(KeyPurpose, timedelta(days=90)))
    return load_secrets_file(path)
"""
TWENTY_AT_ONCE: Final = f"""{SETUP}
wait, start = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        os.close(start)
        os.read(wait, 1)  # returns when the last process has closed the other end
        try:
            keys = write().keys
        except ConfigurationError as error:
            assert "Rotate again after that" in str(error) or "Another process" in str(error)
            os.write(1, b"failed\\n")
        else:
            digest = hashlib.sha256(b"".join(key.key for key, *_ in keys.values())).hexdigest()
            os.write(1, f"{{digest}}\\n".encode())
        os._exit(0)
os.close(start)
for _ in range(20):
    assert os.wait()[1] == 0
"""


pytestmark = pytest.mark.slow


@pytest.fixture(params=["create", "rotate"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the path of a secrets file that is to be created, or of one that exists."""
    path = tmp_path / "var" / "secrets.json"
    if request.param == "rotate":
        create_secrets_file(path)
    return path


def run(script: str, path: Path) -> list[str]:
    completed = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stderr == ""
    return completed.stdout.splitlines()


def test_of_twenty_processes_at_once_one_writes_the_file(path: Path) -> None:
    before = load_keys(path) if path.exists() else None

    results = run(TWENTY_AT_ONCE, path)

    # All starts load the same keys; a rotation fails if another one was faster.
    assert len(results) == 20
    assert len(set(results) - {"failed"}) == 1
    assert results.count("failed") == (19 if before else 0)
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]
    for purpose in ROTATED_PURPOSES if before else ():
        assert before is not None
        assert load_keys(path)[purpose][1:] == before[purpose]
