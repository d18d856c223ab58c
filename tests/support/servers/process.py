"""A server program as a process that tests can stop, kill, pause and start again."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import ClassVar, Final, Self

START_TIMEOUT: Final = 60.0
STOP_TIMEOUT: Final = 30.0
# Below the usual ephemeral range, which outgoing connections use as well: after a restart such a
# port may be in use, and a client that retries may connect to itself.
_PORTS: Final = range(10_240, 22_000)
_PROCESSES: Final = 16


class ServerUnavailable(Exception):
    """No source has this server. The tests that need it fail with this message."""


class SourceUnavailable(ServerUnavailable):
    """This source cannot run the server; the next one may. No message: it is not configured."""


@dataclass(frozen=True)
class RunningServer:
    """A server for tests, which environment variables can name."""

    prefix: ClassVar[str]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self | None:
        """Return the server in the environment, if its first variable is set."""
        names = {cls.prefix + field.name.upper(): field.name for field in fields(cls)}
        values = {field: environ[name] for name, field in names.items() if environ.get(name)}
        return cls(**values) if fields(cls)[0].name in values else None

    def exports(self) -> dict[str, str]:
        """Return the variables for another run that uses this server."""
        return {self.prefix + name.upper(): value for name, value in asdict(self).items()}

    def find_error(self) -> str:
        """Return why the server is not usable; nothing if it is."""
        raise NotImplementedError


class Process:
    """A process that may have been started."""

    name = "server"
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, f"this {self.name} was never started"
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int:
        """Stop it as an operator does: it finishes its requests; return the exit code."""
        return self.end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at any instruction."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> int:
        """Send it a signal if it runs, and wait; return the exit code."""
        # Popen sends no signal after wait(), when the pid may be reused.
        self.process.send_signal(number)
        # A paused process would not handle SIGTERM.
        self.process.send_signal(signal.SIGCONT)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; return the exit code."""
        return self.process.wait(STOP_TIMEOUT)


class ServerProcess(Process):
    """A server on fixed ports; its data folder remains when it stops.

    It ends at the latest with the thread that started it, so a killed test run leaves no process.
    """

    bind_ip = "127.0.0.1"
    server: RunningServer

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_name(f"{folder.name}.log")
        self.variables: Mapping[str, str] = {}

    def start(self) -> Self:
        """Start it with its existing data, and wait until it is ready."""
        self.launch()
        self.wait_until_ready()
        return self

    def launch(self) -> None:
        """Start it without waiting, so that several start at the same time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *self.command()],
                cwd=self.folder,
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the tests, which stop their servers themselves.
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until it serves its clients; kill it if it does not."""
        try:
            wait_until(lambda: self.is_ready() or not self.is_running, explain=self._end_of_log)
            if not self.is_running:
                raise ServerUnavailable(f"{self.name} has ended:\n{self._end_of_log()}")
        except BaseException:
            self.kill()
            raise

    def pause(self) -> None:
        """Freeze it: connections stay open, and it does not respond."""
        self.process.send_signal(signal.SIGSTOP)
        # Until the last of its threads has stopped, one of them may still respond.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """Continue a paused process."""
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self if self.is_running else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        raise NotImplementedError

    def environ(self) -> Mapping[str, str]:
        """Return the environment of the process."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, **self.variables}

    def is_ready(self) -> bool:
        """Return whether it serves its clients."""
        return not self.server.find_error()

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def wait_until(
    condition: Callable[[], bool],
    seconds: float = START_TIMEOUT,
    explain: Callable[[], str] = str,
) -> None:
    """Wait until the condition is true. There is no event for the readiness of a server."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServerUnavailable(f"not ready after {seconds:g} seconds\n{explain()}")
        # As the docstring says.
        time.sleep(0.02)


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt as after Ctrl-C, so that context managers are closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def free_ports(count: int) -> list[int]:
    """Return free ports, which no earlier call returned. Processes of pytest-xdist have others.

    Otherwise two servers could get the same port before either of them listens.
    """
    return list(islice(filter(_is_free, _own_ports()), count))


@cache
def _own_ports() -> Iterator[int]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = _PORTS[number % _PROCESSES :: _PROCESSES]
    return cycle(random.sample(ports, k=len(ports)))


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


def find_or_install(program: str, package: str = "") -> Path:
    """Return the path of a program; root installs its Debian package if it is missing.

    Raises:
        ServerUnavailable: It cannot be installed, or only by another user.
    """
    # Debian has the programs of PostgreSQL outside of the search path.
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    search_path = ":".join([os.environ.get("PATH", ""), "/usr/sbin", *folders])
    if os.geteuid() == 0 and not shutil.which(program, path=search_path):
        options = "-qq -o DPkg::Lock::Timeout=180"
        install = f"apt-get {options} install -y --no-install-recommends {package or program}"
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # One at a time: of two updates at once, the second fails.
        lock = Path(tempfile.gettempdir(), "dialtone-apt-get.lock")
        command = ["flock", str(lock), "/bin/sh", "-c", f"apt-get {options} update && {install}"]
        subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, check=False)
    if found := shutil.which(program, path=search_path):
        return Path(found)
    raise ServerUnavailable(f"There is no {program}. As root it would be installed by apt-get.")
