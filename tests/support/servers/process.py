"""A server program as a process that tests can stop, kill, pause and start again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Final, Self

from tests.support.servers.errors import ServerUnavailable

START_TIMEOUT: Final = 60.0
STOP_TIMEOUT: Final = 30.0
# prctl(PR_SET_PDEATHSIG) in the process itself: `preexec_fn` may hang if the parent has threads.
_RUN_UNTIL_PARENT_ENDS: Final = """
import ctypes, os, sys
parent, number, *command = sys.argv[1:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(number))
if os.getppid() == int(parent):  # it may have ended before
    os.execv(command[0], command)
"""


class ServerProcess:
    """One server on fixed ports of 127.0.0.1; its data folder remains when it stops.

    It ends at the latest with the thread that started it, so a killed test run leaves no process.
    """

    name = "server"
    orphan_signal = signal.SIGKILL

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it with its existing data, and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", "-c", _RUN_UNTIL_PARENT_ENDS),
                    *(str(os.getpid()), str(self.orphan_signal.value), *self.command()),
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
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Stop it as an operator does: it finishes its requests."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at any instruction."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay open, and it does not respond."""
        os.kill(self.pid, signal.SIGSTOP)
        # Until the last of its threads has stopped, one of them may still respond.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """Continue a paused process."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        assert self._process is not None, f"this {self.name} was never started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """The file with its output, beside its folder."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def __enter__(self) -> Self:
        return self if self.is_running else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        raise NotImplementedError

    def environ(self) -> Mapping[str, str]:
        """Return the environment of the process."""
        return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    def wait_until_ready(self) -> None:
        """Wait until it serves its clients."""
        raise NotImplementedError

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait for the condition; ServerUnavailable has the end of the log."""
        try:
            wait_until(lambda: is_ready() or not self.is_running)
        except ServerUnavailable as error:
            raise ServerUnavailable(f"{self.name}: {error}\n{self._log_tail()}") from None
        if not self.is_running:
            raise ServerUnavailable(f"{self.name} ended while starting:\n{self._log_tail()}")

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        # Popen sends no signal after wait(), so a reused pid never gets one.
        self._process.send_signal(number)
        # A paused process would not handle SIGTERM.
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(STOP_TIMEOUT)


def wait_until(is_ready: Callable[[], bool]) -> None:
    """Wait until the condition is true. There is no event for the readiness of a server."""
    deadline = time.monotonic() + START_TIMEOUT
    while not is_ready():
        if time.monotonic() > deadline:
            raise ServerUnavailable("not ready after a minute")
        # As the docstring says.
        time.sleep(0.02)


def exit_on_signals(*numbers: signal.Signals) -> None:
    """Exit the main thread at these signals, so that its context managers are closed."""
    for number in numbers:
        signal.signal(number, _exit)


def _exit(number: int, _: FrameType | None) -> None:
    # A second signal must not interrupt the cleanup.
    signal.signal(number, signal.SIG_IGN)
    sys.exit()
