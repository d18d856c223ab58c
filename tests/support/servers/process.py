"""A server program as a process that tests may stop, kill, freeze and start again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

from tests.support.servers import bound
from tests.support.servers.refusals import NoServer

START_LIMIT: Final = 60.0
STOP_LIMIT: Final = 30.0


class ServerProcess:
    """One server on fixed ports of 127.0.0.1, with its data in a folder that outlives it.

    It ends at the latest with the thread that started it: nothing is left behind by a test run
    that was killed.
    """

    name = "server"
    sent_when_orphaned = signal.SIGKILL

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, on the data that it left, and wait until it serves."""
        assert not self.is_running, f"this {self.name} runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", bound.__file__),
                    *(str(os.getpid()), str(self.sent_when_orphaned.value), *self.command()),
                ],
                cwd=self.folder,
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the tests; they end their servers themselves.
                start_new_session=True,
            )
        try:
            self.wait_until_it_serves()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End it as an operator does: it finishes what it has in hand."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at whatever instruction it is."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay, and nobody answers any more."""
        self._signal(signal.SIGSTOP)
        # That was only sent: until the last of its threads has stopped, one may still answer.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a frozen one go on."""
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
        """What it prints, beside its folder."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def __enter__(self) -> Self:
        return self if self.is_running else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def command(self) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def environ(self) -> Mapping[str, str]:
        """The environment that it runs in."""
        return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    def wait_until_it_serves(self) -> None:
        """Wait until a client gets what it is there for."""
        raise NotImplementedError

    def wait_until(self, serves: Callable[[], bool]) -> None:
        """Ask until the answer is yes; NoServer tells what it printed when it ends before that."""
        end = time.monotonic() + START_LIMIT
        while not serves():
            if not self.is_running:
                raise NoServer(f"{self.name} ended while starting:\n{self._last_words()}")
            if time.monotonic() > end:
                raise NoServer(f"{self.name} does not serve after a minute:\n{self._last_words()}")
            # Nothing tells from outside when a server begins to serve.
            time.sleep(0.02)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _signal(self, number: signal.Signals) -> None:
        assert self.is_running, f"this {self.name} does not run"
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        # Popen sends nothing to a process that has been waited for: never to somebody else's.
        self._process.send_signal(number)
        if number is signal.SIGTERM:
            # A frozen one would not hear of it.
            self._process.send_signal(signal.SIGCONT)
        self._process.wait(STOP_LIMIT)
