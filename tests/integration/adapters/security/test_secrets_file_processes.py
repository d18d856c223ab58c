"""Many processes that create a secrets file at once."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[4]
TWENTY_AT_ONCE: Final = """
import hashlib, os, sys
from pathlib import Path
from adapters.security.keys.keys import load_secrets_file

wait, start = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        os.close(start)
        os.read(wait, 1)  # returns when the last process has closed the other end
        keys = load_secrets_file(Path(sys.argv[1]), create_missing=True).keys
        digest = hashlib.sha256(b"".join(key.key for key, *_ in keys.values())).hexdigest()
        os.write(1, f"{digest}\\n".encode())
        os._exit(0)
os.close(start)
for _ in range(20):
    assert os.wait()[1] == 0
"""


@pytest.mark.slow
def test_of_twenty_processes_at_once_one_writes_the_file_and_all_load_it(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secrets.json"

    completed = subprocess.run(
        [sys.executable, "-c", TWENTY_AT_ONCE, str(path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert completed.stderr == ""
    loaded = completed.stdout.splitlines()
    assert len(loaded) == 20
    assert len(set(loaded)) == 1
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]
