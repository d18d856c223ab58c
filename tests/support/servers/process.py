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

from tests.support.servers import die_with_parent
from tests.support.servers.errors import ServerUnavailable

START_TIMEOUT: Final = 60.0
STOP_TIMEOUT: Final = 30.0


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
        assert not self.is_running, f"this {self.name} runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", die_with_parent.__file__),
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
        self._signal(signal.SIGSTOP)
        # Until the last of its threads has stopped, one of them may still respond.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """Continue a paused process."""
        self._signal(signal.SIGCONT)

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
        """Wait for the condition; ServerUnavailable has the end of the log if the process ends."""
        deadline = time.monotonic() + START_TIMEOUT
        while not is_ready():
            if not self.is_running:
                raise ServerUnavailable(f"{self.name} ended while starting:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise ServerUnavailable(
                    f"{self.name} is not ready after a minute:\n{self._log_tail()}"
                )
            # There is no event for the readiness of a server.
            time.sleep(0.02)

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _signal(self, number: signal.Signals) -> None:
        assert self.is_running, f"this {self.name} does not run"
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        # Popen sends no signal after wait(), so a reused pid never gets one.
        self._process.send_signal(number)
        if number is signal.SIGTERM:
            # A paused process would not handle SIGTERM.
            self._process.send_signal(signal.SIGCONT)
        self._process.wait(STOP_TIMEOUT)


def exit_on_signals(*numbers: signal.Signals) -> None:
    """Exit the main thread at these signals, so that its context managers are closed."""
    for number in numbers:
        signal.signal(number, _exit)


def _exit(number: int, _: FrameType | None) -> None:
    # A second signal must not interrupt the cleanup.
    signal.signal(number, signal.SIG_IGN)
    sys.exit()
