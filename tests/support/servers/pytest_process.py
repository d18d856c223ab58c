"""A test run inside a test, to observe the servers of a run from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from tests.support.servers.shared_servers import PROJECT
from tests.support.servers.sources import SOURCES_VARIABLE

TIMEOUT: Final = 60.0


class PytestProcess:
    """pytest over test files with this source, with the plugin and with servers as processes."""

    def __init__(self, folder: Path, source: str, *arguments: str) -> None:
        self.folder = folder
        # Deleted with the files of a killed run. A short name, as socket paths have to be short.
        self._temporary = TemporaryDirectory(prefix="pytest-")
        (folder / "pytest.ini").write_text("[pytest]\n")
        for name in ("test_one.py", "test_two.py"):
            (folder / name).write_text(source)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-p", "xdist.plugin"),
                *("-p", "tests.support.servers.plugin", "-p", "no:cacheprovider"),
                *("-c", str(folder / "pytest.ini"), str(folder), *arguments),
            ],
            cwd=PROJECT,
            # Without all other plugins it starts in half the time.
            env={
                **os.environ,
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "TMPDIR": self._temporary.name,
                SOURCES_VARIABLE: "packages",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def output(self) -> str:
        """Wait for its end, and return its output."""
        return self._process.communicate(timeout=TIMEOUT)[0]

    def wait_for_file(self, name: str) -> str:
        """Wait until its tests have written a line into this file; return the content."""
        file = self.folder / name
        wait_until(lambda: file.exists() and file.read_text().endswith("\n"), f"{name} exists")
        return file.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, as a terminal or a supervisor does."""
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._temporary.cleanup()


def wait_for_exit(pid: int) -> None:
    """Wait until this process has ended."""
    wait_until(lambda: not is_alive(pid), f"{pid} has ended")


def wait_until(condition: Callable[[], bool], description: str) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"not true after a minute: {description}"
        # Only the parent of a process is notified of its end.
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Return whether this process exists and is not a zombie."""
    try:
        return _status(pid)["State"][0] != "Z"
    except FileNotFoundError:
        return False


def parent(pid: int) -> int:
    return int(_status(pid)["PPid"])


def children(pid: int) -> set[int]:
    """Return the running child processes."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and parent(int(entry.name)) == pid:
                found.add(int(entry.name))
        except FileNotFoundError:
            continue  # it has ended
    return found


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
