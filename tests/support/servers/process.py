"""A server program as a process that tests can stop, kill, pause and start again."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Final, Self

START_TIMEOUT: Final = 60.0
STOP_TIMEOUT: Final = 30.0
# Below the usual ephemeral range, which outgoing connections use as well: after a restart such a
# port may be in use, and a client that retries may connect to itself.
_PORTS: Final = range(10_240, 22_000)
# prctl(PR_SET_PDEATHSIG) in the process itself: `preexec_fn` may hang if the parent has threads.
_RUN_UNTIL_PARENT_ENDS: Final = """
import ctypes, os, sys
parent, number, *command = sys.argv[1:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(number))
if os.getppid() == int(parent):  # it may have ended before
    os.execv(command[0], command)
"""


class ServerUnavailable(Exception):
    """No source has this server. The tests that need it fail with this message."""


class SourceUnavailable(ServerUnavailable):
    """This source cannot run the server; the next one may. No message: it is not configured."""


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
    """One server on fixed ports of 127.0.0.1; its data folder remains when it stops.

    It ends at the latest with the thread that started it, so a killed test run leaves no process.
    """

    orphan_signal = signal.SIGKILL

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.log = folder.with_name(f"{folder.name}.log")

    def start(self) -> Self:
        """Start it with its existing data, and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", "-c", _RUN_UNTIL_PARENT_ENDS),
                    *(str(os.getpid()), str(self.orphan_signal.value)),
                    *(str(self.program), *self.arguments()),
                ],
                cwd=self.folder,
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the tests, which stop their servers themselves.
                start_new_session=True,
            )
        try:
            wait_until(lambda: self.is_ready() or not self.is_running)
            if not self.is_running:
                raise ServerUnavailable("ended while starting")
        except BaseException as error:
            self.kill()
            if isinstance(error, ServerUnavailable):
                end = self.log.read_text(errors="replace").splitlines()[-15:]
                raise ServerUnavailable("\n".join([f"{self.name}: {error}", *end])) from None
            raise
        return self

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

    def arguments(self) -> list[str]:
        """Return the arguments of the program."""
        raise NotImplementedError

    def environ(self) -> Mapping[str, str]:
        """Return the environment of the process."""
        return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    def is_ready(self) -> bool:
        """Return whether it serves its clients."""
        raise NotImplementedError


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


def exit_on_signals(*numbers: signal.Signals) -> None:
    """Exit the main thread at these signals, so that its context managers are closed."""

    def end(number: int, _: FrameType | None) -> None:
        # A second signal must not interrupt the cleanup.
        signal.signal(number, signal.SIG_IGN)
        sys.exit()

    for number in numbers:
        signal.signal(number, end)


def free_ports(count: int) -> list[int]:
    """Return different free ports."""
    return list(islice(filter(_is_free, random.sample(_PORTS, k=len(_PORTS))), count))


def _is_free(port: int) -> bool:
    with socket.socket() as server:
        # As servers do: closed connections in TIME_WAIT do not block the port.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def find_or_install(program: str, package: str, search_path: str) -> Path:
    """Return the path of a program; root installs its Debian package if it is missing.

    Raises:
        ServerUnavailable: It cannot be installed, or only by another user.
    """
    output = ["Only root can install it with apt-get."]
    apt_get = shutil.which("apt-get")
    if apt_get and os.geteuid() == 0 and not shutil.which(program, path=search_path):
        output = [
            subprocess.run(
                [apt_get, "-qq", "-o", "DPkg::Lock::Timeout=180", *command],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            ).stdout
            for command in (["update"], ["install", "-y", "--no-install-recommends", package])
        ]
    if found := shutil.which(program, path=search_path):
        return Path(found)
    raise ServerUnavailable("\n".join([f"There is no {program} of {package}.", *output]))
