"""Processes that are measured: the service, the bare handler, peers."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.benchmarks.load import UNLIMITED
from tests.support.servers.process import ServerProcess, free_ports

_FOLDER: Final = Path(__file__).parent
_ROOT: Final = _FOLDER.parents[2]
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_IDLE_SECONDS: Final = 0.05
_MAX_WAIT_SECONDS: Final = 5
_DATABASE_SERVERS: Final = {"postgresql": "postgres", "mongodb": "mongod"}


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout of the product, and the Python whose packages it runs with."""

    path: Path = _ROOT
    python: Path = Path(sys.executable)

    def environ(self) -> dict[str, str]:
        """Return an environment in which Python imports this checkout."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "PYTHONPATH": str(self.path), "PYTHONDONTWRITEBYTECODE": ""}


THIS_TREE: Final = Tree()


class HttpProcess(ServerProcess):
    """A server on a port of 127.0.0.1; its stderr is written to a file.

    Attributes:
        database_url: that of its database.
        output: where its stdout is written.
        warm_ups: how often each of its cells runs before the first round.
    """

    path = "/health/live"
    database_url = ""
    output = Path(os.devnull)
    warm_ups = 1

    def __init__(self, name: str, folder: Path, command: Sequence[str]) -> None:
        super().__init__(folder)
        self.name = name
        self.port = free_ports(1)[0]
        self._command = command

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return ["/bin/sh", "-c", 'exec "$@" > "$0"', str(self.output), *self._command]

    def is_ready(self) -> bool:
        request = f"GET {self.path} HTTP/1.1\r\nHost: bench\r\n\r\n"
        return self.read_status(request.encode()).startswith("2")

    def read_status(self, request: bytes) -> str:
        """Return the status of its response, or nothing if there is none."""
        with socket.socket() as client:
            client.settimeout(5)
            try:
                client.connect(("127.0.0.1", self.port))
                client.sendall(request)
                return client.recv(12).decode().removeprefix("HTTP/1.1 ")
            except OSError:
                return ""

    def cpu_seconds(self) -> float:
        """Return the user and system time of all its processes so far."""
        return sum(map(_cpu_seconds, list_processes(self.pid)))

    @property
    def database(self) -> str:
        """The kind of its database: the scheme of the URL."""
        return urlsplit(self.database_url).scheme

    def database_cpu_seconds(self) -> float:
        """Return the time of its database server so far; 0 if the bench did not start it."""
        program = _DATABASE_SERVERS.get(self.database)
        pids = list_processes(os.getpid()) if program else ()
        return sum(_cpu_seconds(pid, program) for pid in pids)

    def wait_until_idle(self) -> None:
        """Return when it no longer works on requests that nobody waits for, or after 5 s.

        Otherwise what is measured next would have less of the processors.
        """
        for _ in range(round(_MAX_WAIT_SECONDS / _IDLE_SECONDS)):
            before = self.cpu_seconds()
            time.sleep(_IDLE_SECONDS)  # to see whether it takes any time of a processor
            if self.cpu_seconds() - before <= 1 / _TICKS_PER_SECOND:
                return


class ServiceProcess(HttpProcess):
    """The service of a checkout, with its database and its keys in a folder.

    Args:
        folder: Several services may share it.
        command: What runs instead of the service, with its settings.
    """

    path = "/health/ready"

    def __init__(
        self,
        name: str,
        folder: Path,
        settings: Mapping[str, str],
        tree: Tree = THIS_TREE,
        command: Sequence[str] = (),
    ) -> None:
        program = command or [str(tree.python.with_name("dialtone")), "run"]
        super().__init__(name, folder / name, program)
        self.settings = {
            "DIALTONE_DATABASE": f"sqlite:///{folder}/dialtone.db",
            "DIALTONE_MEDIA": f"file://{folder}/media",
            "DIALTONE_SECRETS_FILE": f"{folder}/secrets.json",
            **settings,
        }
        self.database_url = self.settings["DIALTONE_DATABASE"]
        self._tree = tree
        self.output = self.folder / "messages"
        """What the terminal messenger prints."""

    def environ(self) -> dict[str, str]:
        return {
            **self._tree.environ(),
            **UNLIMITED,
            "DIALTONE_BIND": f"127.0.0.1:{self.port}",
            "DIALTONE_CLEANUP_INTERVAL": "off",
            "DIALTONE_WORKERS": "1",
            "DIALTONE_SMS": "console",
            **self.settings,
        }

    def seed(self, *arguments: str) -> None:
        """Run `seed.py` of the checkout with the settings and its packages."""
        seed = self._tree.path / _FOLDER.relative_to(_ROOT) / "seed.py"
        run_program([str(self._tree.python), "-P", str(seed), *arguments], self.environ())


class BareHandler(ServiceProcess):
    """A handler and nothing else, with the server settings of the service."""

    path = "/health/live"

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.speed.bare_handler"]
        super().__init__("bare handler", folder / "bare", {}, command=command)
        self.database_url = ""


def run_program(command: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    """Return what a program prints; SystemExit has its errors."""
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{run.stdout}{run.stderr}")
    return run.stdout


def list_processes(pid: int) -> Iterator[int]:
    """Yield a process, its children and all their children."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # It has ended.
            for child in children.read_text().split():
                yield from list_processes(int(child))


def memory_mb(pid: int, kind: str) -> float:
    """Return the memory of one process: `Rss`, or `Pss`, where shared pages are divided."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{kind}:")]
    return int(kilobytes) / 1000 * 1.024


def _cpu_seconds(pid: int, program: str | None = None) -> float:
    """Return the time of a process; 0 if it has ended, or runs another program than this one."""
    try:
        name, _, fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return 0
    if program and not name.endswith(f"({program}"):
        return 0
    # Its own, and that of its processes that have ended: decoders end when they are idle.
    return sum(map(int, fields.split()[11:15])) / _TICKS_PER_SECOND
