"""Processes that are measured: the service and the bare handler."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.support.servers.process import ServerProcess, free_ports

THIS_TREE: Final = Path(__file__).parents[3]
_SEED: Final = Path(__file__).relative_to(THIS_TREE).with_name("seed.py")
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_DATABASE_SERVERS: Final = {"postgresql": "postgres", "mongodb": "mongod"}
_UNLIMITED: Final = {
    "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
    "DIALTONE_SMS_LIMIT_PER_IP": "5000/1m",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "50000/1m",
    "DIALTONE_SMS_LIMIT_TOTAL": "50000/1m",
    "DIALTONE_REQUEST_LIMIT_PER_IDENTITY": "1000000/1m",
    "DIALTONE_REFRESH_LIMIT_PER_IP": "1000000/1m",
}
"""Settings with which every request may name its IP and exceeds no limit that phones share."""
Tokens = Sequence[tuple[str, str]]
"""Ids of users, and a token of each."""


class HttpProcess(ServerProcess):
    """A server on a port of 127.0.0.1; its stderr is written to a file.

    Attributes:
        database_url: That of its database.
        output: The file of its stdout.
        warm_ups: How often each of its scenarios runs before the first round.
        request_code: The path and the body of a request for a code to PHONE.
        verify: The path and the body of a verification of PHONE and CODE.
        message: The pattern of Lua for a phone and its code in the output.
        signed_in: What only the response to a correct code has.
    """

    path = "/health/live"
    database_url = ""
    warm_ups = 1
    request_code: Sequence[str]
    verify: Sequence[str]
    message: str
    signed_in: str

    def __init__(self, name: str, folder: Path, command: Sequence[str]) -> None:
        super().__init__(folder / name)
        self.folder.mkdir()
        self.name = name
        self.port = free_ports(1)[0]
        self.output = self.folder / "messages"
        self._command = command

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> str:
        """The kind of its database: the scheme of the URL."""
        return urlsplit(self.database_url).scheme

    def command(self) -> list[str]:
        return ["/bin/sh", "-c", 'exec "$@" > "$0"', str(self.output), *self._command]

    def is_ready(self) -> bool:
        request = f"GET {self.path} HTTP/1.1\r\nHost: bench\r\n\r\n"
        return self.read_status(request.encode()).startswith("2")

    def read_status(self, request: bytes) -> str:
        """Return the status of its response, or nothing if there is none."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as client:
            client.sendall(request)
            return client.recv(12).decode().removeprefix("HTTP/1.1 ")
        return ""

    def cpu_seconds(self) -> float:
        """Return the user and system time of all its processes so far."""
        return sum(map(_cpu_seconds, list_processes(self.pid)))

    def database_cpu_seconds(self) -> float:
        """Return the time of its database server so far; 0 if the bench did not start it."""
        program = _DATABASE_SERVERS.get(self.database)
        pids = list_processes(os.getpid()) if program else ()
        return sum(_cpu_seconds(pid, program) for pid in pids)

    def wait_until_idle(self) -> None:
        """Return when it no longer works on requests that nobody waits for, or after 5 s.

        Otherwise what is measured next would have less of the processors.
        """
        for _ in range(100):
            before = self.cpu_seconds()
            time.sleep(0.05)  # to see whether it takes any time of a processor
            if self.cpu_seconds() - before <= 1 / _TICKS_PER_SECOND:
                return


class Service(HttpProcess):
    """The service of a checkout, with its database.

    Args:
        settings: Those that differ from the ones of the bench.
        tree: The checkout, with its `.venv`.
        command: What runs instead of the service, with its settings.
    """

    path = "/health/ready"
    request_code = ("/auth/request-otp", '{"phone": "PHONE"}')
    verify = ("/auth/verify-otp", '{"phone": "PHONE", "otp": "CODE"}')
    message = "To: (%+%d+).-%f[%d](%d%d%d%d%d%d)%f[%D]"
    signed_in = '"access_token"'

    def __init__(
        self,
        name: str,
        folder: Path,
        settings: Mapping[str, str],
        tree: Path = THIS_TREE,
        command: Sequence[str] = (),
    ) -> None:
        self.tree = tree
        self._programs = tree / ".venv/bin"
        super().__init__(name, folder, command or [str(self._programs / "dialtone"), "run"])
        self.settings = {
            **_UNLIMITED,
            "DIALTONE_MEDIA": f"file://{self.folder}/media",
            "DIALTONE_SECRETS_FILE": f"{self.folder}/secrets.json",
            "DIALTONE_CLEANUP_INTERVAL": "off",
            "DIALTONE_WORKERS": "1",
            "DIALTONE_SMS": "console",
            **settings,
        }
        self.database_url = self.settings.get("DIALTONE_DATABASE", "")
        self.variables = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": ""}

    def environ(self) -> Mapping[str, str]:
        bind = {"DIALTONE_BIND": f"127.0.0.1:{self.port}"}
        return {**super().environ(), **self.settings, **bind}

    def seed(self, users: int, senders: int, libraries: int) -> Mapping[str, Tokens]:
        """Run `seed.py` of the checkout with its packages; return what it writes to its file."""
        file = self.folder / "tokens.json"
        numbers = map(str, (users, senders, libraries))
        python, seed = self._programs / "python", self.tree / _SEED
        command = [str(python), "-P", str(seed), *numbers, str(file)]
        subprocess.run(command, env=self.environ(), check=True)
        tokens: Mapping[str, Tokens] = json.loads(file.read_text())
        return tokens


class BareHandler(Service):
    """A handler and nothing else, with the server settings of the service."""

    path = "/health/live"

    def __init__(self, folder: Path) -> None:
        command = [f"{THIS_TREE}/.venv/bin/python", "-m", "tests.benchmarks.speed.bare_handler"]
        super().__init__("bare handler", folder, {}, command=command)


def list_processes(pid: int) -> Iterator[int]:
    """Yield a process, its children and all their children."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # It has ended.
            for child in children.read_text().split():
                yield from list_processes(int(child))


def memory_mb(pid: int) -> float:
    """Return the memory of one process (`Pss`, where shared pages are divided)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("Pss:")]
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
