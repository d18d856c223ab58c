"""The service as an operator runs it: a process of its own, reached over a real socket."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.printed import Printed

START_LIMIT: Final = 30.0
MESSAGE_LIMIT: Final = 10.0
_ROW: Final = re.compile(r"^│ (.*?) *│$", re.MULTILINE)
_CODE: Final = re.compile(r"\d{4,}")
# By the last, coverage measures the processes that tests start too.
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_CONFIG")


ROOMY: Final = {
    "DIALTONE_SMS_LIMIT_PER_IP": "600/1m",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "5000/1m",
    "DIALTONE_SMS_LIMIT_TOTAL": "5000/1m",
    "DIALTONE_VERIFY_LIMIT_PER_IP": "5000/1m",
}
"""All tests of a service come from one address: only those about budgets may meet them."""

Inbox = Callable[[str], list[str]]
"""Gives the texts that a phone got so far, in order."""


class Service:
    """One `dialtone run` in a folder of its own; what it prints is kept.

    Texts that do not go to the console are looked up in `inbox`. With `has_group` it leads a
    process group, as it does in a terminal. Where `reads_log` is false, its log is left to itself.
    `program` is run in place of the installed `dialtone`, and has to become it.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        inbox: Inbox | None = None,
        *,
        has_group: bool = False,
        reads_log: bool = True,
        program: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self._inbox = inbox or self._boxes
        self._environ = dict(environ or {})
        self._has_group = has_group
        self._reads_log = reads_log
        self._program = [*program] or [command()]
        self._process: subprocess.Popen[bytes] | None = None
        self._shown: list[Printed] = []
        self._logged: list[Printed] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def shown(self) -> str:
        """All that it printed so far, over all its starts."""
        return "".join(printed.text for printed in self._shown)

    @property
    def log(self) -> str:
        """All that it logged so far, over all its starts."""
        return "".join(printed.text for printed in self._logged)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the service and of the commands beside it; a warning is an error."""
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "error",
            "DIALTONE_BIND": f"127.0.0.1:{self.port}",
            "DIALTONE_DATABASE": f"sqlite:///{self.folder}/dialtone.db",
            "DIALTONE_MEDIA": f"file://{self.folder}/media",
            "DIALTONE_SECRETS_FILE": f"{self.folder}/secrets.json",
            # It would write while a test counts writes or log lines.
            "DIALTONE_CLEANUP_INTERVAL": "off",
            **ROOMY,
            **self._environ,
        }

    def set(self, name: str, value: str) -> None:
        """Set a variable of its environment before it is started."""
        self._environ[name] = value

    def start(self) -> "Service":
        """Start it and wait until it answers."""
        self.launch()
        self.wait_until_it_answers()
        return self

    def launch(self) -> None:
        """Start it and wait for nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [*self._program, "run"],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0 if self._has_group else None,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._shown.append(Printed(self._process.stdout))
        if self._reads_log:
            self._logged.append(Printed(self._process.stderr))

    def stop(self) -> int:
        """Stop it as an operator does; gives its exit code."""
        return self.end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at whatever instruction it is."""
        self.end(signal.SIGKILL)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another command beside it."""
        return subprocess.run(
            [*self._program, *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_LIMIT,
        )

    def messages(self, phone: str) -> list[str]:
        """The codes sent to this phone so far, in order, found as phones find them."""
        return [match[0] for text in self.texts(phone) if (match := _CODE.search(text))]

    def texts(self, phone: str) -> list[str]:
        """The texts sent to this phone so far, in order, as they were handed over."""
        return self._inbox(phone)

    def code(self, phone: str, number: int = 1) -> str:
        """The code of this phone's first (or `number`th) message, as soon as it is shown."""
        arrived = self._shown[-1].wait_for(
            lambda: len(self.messages(phone)) >= number, MESSAGE_LIMIT
        )
        assert arrived, f"no message number {number} was shown; shown so far:\n{self.shown}"
        return self.messages(phone)[number - 1]

    def wait_until_shown(self, text: str) -> None:
        """Wait until it has printed this."""
        assert self._shown[-1].wait_for(lambda: text in self.shown, START_LIMIT), self.shown

    def _boxes(self, phone: str) -> list[str]:
        beginnings = self.shown.split(f"To: {phone} ")[1:]
        boxes = [box for box, bottom, _ in (one.partition("\n└") for one in beginnings) if bottom]
        return ["\n".join(_ROW.findall(box)) for box in boxes]

    def wait_until_it_answers(self) -> None:
        """Wait until somebody serves its address."""
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            if self._process is not None and not self.is_running:
                break
            try:
                httpx.get(f"{self.url}/health/live", timeout=1, **PLAIN_HTTP)
            except httpx.TransportError:
                # Nothing tells from outside when a socket begins to listen.
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"the service did not start:\n{self.shown}\n{self.log}")

    def end(self, number: signal.Signals) -> int:
        """Send it a signal, if it still runs, and wait; gives its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; gives its exit code."""
        assert self._process is not None
        exit_code = self._process.wait(START_LIMIT)
        for printed in (*self._shown[-1:], *self._logged[-1:]):
            printed.close(START_LIMIT)
        if not self._reads_log and self._process.stderr is not None:
            self._process.stderr.close()
        return exit_code


@contextmanager
def running(
    folder: Path, environ: Mapping[str, str] | None = None, inbox: Inbox | None = None
) -> Iterator[Service]:
    """A service that runs until the block ends."""
    service = Service(folder, environ, inbox)
    try:
        yield service.start()
    finally:
        service.stop()


def command() -> str:
    """The installed `dialtone`."""
    return str(Path(sys.executable).with_name("dialtone"))


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
