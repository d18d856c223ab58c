"""A test run inside of a test: what becomes of a run's servers is seen from outside of it."""

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

from tests.support.servers.choice import CHOICE
from tests.support.servers.desk import ROOT

LIMIT: Final = 60.0


class InnerRun:
    """pytest over some text, with the plugin and with servers as processes."""

    def __init__(self, folder: Path, text: str, *arguments: str) -> None:
        self.folder = folder
        # What a killed run leaves behind goes with this. Sockets have short names only.
        self._temporary = TemporaryDirectory(prefix="inner-")
        (folder / "pytest.ini").write_text("[pytest]\n")
        for name in ("test_one.py", "test_two.py"):
            (folder / name).write_text(text)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-p", "xdist.plugin"),
                *("-p", "tests.support.servers.plugin", "-p", "no:cacheprovider"),
                *("-c", str(folder / "pytest.ini"), str(folder), *arguments),
            ],
            cwd=ROOT,
            # Without all other plugins it starts in half the time.
            env={
                **os.environ,
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "TMPDIR": self._temporary.name,
                CHOICE: "packages",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def output(self) -> str:
        """All that it printed, when it has ended."""
        return self._process.communicate(timeout=LIMIT)[0]

    def said(self, name: str) -> str:
        """What its tests wrote into this file, as soon as there is a whole line."""
        file = self.folder / name
        wait_for(lambda: file.exists() and file.read_text().endswith("\n"), f"{name} is there")
        return file.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, as a terminal or a supervisor does."""
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._temporary.cleanup()


def wait_for_the_end(pid: int) -> None:
    """Wait until this process is gone."""
    wait_for(lambda: not is_alive(pid), f"{pid} has ended")


def wait_for(what: Callable[[], bool], name: str) -> None:
    """Wait until this is so."""
    end = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < end, f"not so after a minute: {name}"
        # The end of a process is told to nobody but its parent.
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process has this number, and is more than a name."""
    try:
        return _status(pid)["State"][0] != "Z"
    except FileNotFoundError:
        return False


def parent(pid: int) -> int:
    return int(_status(pid)["PPid"])


def children(pid: int) -> set[int]:
    """The processes that this one started, and still has."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and parent(int(entry.name)) == pid:
                found.add(int(entry.name))
        except FileNotFoundError:
            continue  # it has just ended
    return found


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
