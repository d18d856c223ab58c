"""The Flask service, in an environment of its own with its own lock."""

import fcntl
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Final

from tests.benchmarks.speed.processes import HttpProcess, run_program

_FOLDER: Final = Path(__file__).parent
_LOCK: Final = _FOLDER / "requirements.lock"
_SECRET: Final = "a key of the bench with more than 32 bytes"
THREADS: Final = 4
"""Two to four for each core, as gunicorn's documentation recommends."""


def install_baseline() -> Path:
    """Return the folder of the programs; they are installed at the first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "dialtone-bench")
    cache.mkdir(parents=True, exist_ok=True)
    content = f"{sys.version}{_LOCK.read_text()}".encode()
    folder = cache / f"baseline-{hashlib.sha256(content).hexdigest()[:16]}"
    stamp = folder / "installed"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            print(f"installing Flask into {folder}")
            run_program([sys.executable, "-I", "-m", "venv", "--clear", str(folder)])
            pip = [str(folder / "bin/python"), "-I", "-m", "pip", "install", "--quiet"]
            run_program([*pip, "--require-hashes", "--no-input", f"--requirement={_LOCK}"])
            stamp.touch()
    return folder / "bin"


class FlaskProcess(HttpProcess):
    """The Flask service under gunicorn: one process with threads, on a database of its own."""

    path = "/health/live"

    def __init__(self, folder: Path, programs: Path, mongo_url: str) -> None:
        super().__init__("flask", folder / "flask", [str(programs / "gunicorn")])
        self._programs = programs
        self._mongo_url = mongo_url

    def command(self) -> list[str]:
        options = ["--workers=1", "--worker-class=gthread", f"--threads={THREADS}"]
        return [*super().command(), *options, f"--bind=127.0.0.1:{self.port}", "app:app"]

    def environ(self) -> dict[str, str]:
        return {
            **super().environ(),
            "PYTHONPATH": str(_FOLDER),
            "MONGO_URI": self._mongo_url,
            "JWT_SECRET_KEY": _SECRET,
        }

    def create_users(self, count: int) -> list[tuple[str, str]]:
        """Create users and return their ids and tokens."""
        flask = [str(self._programs / "flask"), "--app=app", "create-users", str(count)]
        tokens: list[tuple[str, str]] = json.loads(run_program(flask, self.environ()))
        return tokens
