"""The service as a process, used over HTTP."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.support.output_reader import OutputReader
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import free_ports

START_TIMEOUT: Final = 30.0
MESSAGE_TIMEOUT: Final = 10.0
_ROW: Final = re.compile(r"^│ (.*?) *│$", re.MULTILINE)
_CODE: Final = re.compile(r"\d{4,}")
# The last one is for coverage of the processes that tests start.
_INHERITED_VARIABLES: Final = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_CONFIG")


HIGH_LIMITS: Final = {
    "DIALTONE_SMS_LIMIT_PER_IP": "600/1m",
    "DIALTONE_SMS_COUNTRIES_PER_IP": "250",
    "DIALTONE_SMS_LIMIT_PER_RANGE": "600/1m",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "12000/1m",
    "DIALTONE_SMS_LIMIT_TOTAL": "12000/1m",
    "DIALTONE_VERIFY_LIMIT_PER_IP": "5000/1m",
    "DIALTONE_REQUEST_LIMIT_PER_IDENTITY": "1000000/1m",
    "DIALTONE_REFRESH_LIMIT_PER_IP": "1000000/1m",
}
"""All tests of a service use one client IP: only tests of rate limits may reach a limit."""

Inbox = Callable[[str], list[str]]
"""Returns the messages to a phone so far, in order."""


class Service:
    """One `dialtone run` in its own folder; its output is kept.

    Args:
        inbox: Returns the messages if they are not printed to the console.
        has_group: Whether it leads a process group, as in a terminal.
        reads_log: Whether its stderr is read.
        program: The command to run instead of the installed `dialtone`.
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
        self._inbox = inbox or self._console_messages
        self._environ = dict(environ or {})
        self._has_group = has_group
        self._reads_log = reads_log
        self._program = [*program] or [command()]
        self._process: subprocess.Popen[bytes] | None = None
        self._shown: list[OutputReader] = []
        self._logged: list[OutputReader] = []

    @property
    def settings(self) -> Mapping[str, str]:
        """The variables that it was created with, for another instance."""
        return self._environ

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def shown(self) -> str:
        """Its stdout so far, over all starts."""
        return "".join(output.text for output in self._shown)

    @property
    def log(self) -> str:
        """Its stderr so far, over all starts."""
        return "".join(output.text for output in self._logged)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the service and of its commands; a warning is an error."""
        return {
            **{name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "error",
            "DIALTONE_BIND": f"127.0.0.1:{self.port}",
            "DIALTONE_PUBLIC_URL": self.url,
            "DIALTONE_DATABASE": f"sqlite:///{self.folder}/dialtone.db",
            "DIALTONE_MEDIA": f"file://{self.folder}/media",
            "DIALTONE_SECRETS_FILE": f"{self.folder}/secrets.json",
            # It would write while a test counts writes or log lines.
            "DIALTONE_CLEANUP_INTERVAL": "off",
            # A test that leaves connections open does not wait for them.
            "DIALTONE_DRAIN_TIMEOUT": "8s",
            **HIGH_LIMITS,
            **self._environ,
        }

    def set(self, name: str, value: str) -> None:
        """Set a variable of its environment before the start."""
        self._environ[name] = value

    def start(self) -> "Service":
        self.launch()
        self.wait_until_ready()
        return self

    def launch(self) -> None:
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
        self._shown.append(OutputReader(self._process.stdout))
        if self._reads_log:
            self._logged.append(OutputReader(self._process.stderr))

    def stop(self) -> int:
        """Stop it as an operator does; return the exit code."""
        return self.end(signal.SIGTERM)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another command in its environment."""
        return subprocess.run(
            [*self._program, *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_TIMEOUT,
        )

    def messages(self, phone: str) -> list[str]:
        """Return the codes sent to this phone so far, in order."""
        return [match[0] for text in self.texts(phone) if (match := _CODE.search(text))]

    def texts(self, phone: str) -> list[str]:
        """Return the messages sent to this phone so far, in order."""
        return self._inbox(phone)

    def code(self, phone: str, number: int = 1) -> str:
        """Wait for the first (or `number`th) message to this phone; return its code."""
        arrived = self._shown[-1].wait_for(
            lambda: len(self.messages(phone)) >= number, MESSAGE_TIMEOUT
        )
        assert arrived, f"no message number {number}; the output so far:\n{self.shown}"
        return self.messages(phone)[number - 1]

    def wait_until_shown(self, text: str) -> None:
        assert self._shown[-1].wait_for(lambda: text in self.shown, START_TIMEOUT), self.shown

    def wait_until_logged(self, event: str) -> None:
        """Wait until its log has this event since the last start."""
        self.wait_for_log(lambda: f'"{event}"' in self._logged[-1].text)

    def wait_for_log(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition is true, which is checked after each new line of its log."""
        assert self._logged[-1].wait_for(condition, START_TIMEOUT), self.log

    def _console_messages(self, phone: str) -> list[str]:
        beginnings = self.shown.split(f"To: {phone} ")[1:]
        boxes = [box for box, bottom, _ in (text.partition("\n└") for text in beginnings) if bottom]
        return ["\n".join(_ROW.findall(box)) for box in boxes]

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process is not None and not self.is_running:
                break
            try:
                httpx.get(f"{self.url}/health/live", timeout=1, **PLAIN_HTTP)
            except httpx.TransportError:
                # There is no event for a socket that begins to listen.
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"the service did not start:\n{self.shown}\n{self.log}")

    def end(self, number: signal.Signals) -> int:
        """Send it a signal if it runs, and wait; return the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; return the exit code."""
        assert self._process is not None
        exit_code = self._process.wait(START_TIMEOUT)
        for output in (*self._shown[-1:], *self._logged[-1:]):
            output.close(START_TIMEOUT)
        if not self._reads_log and self._process.stderr is not None:
            self._process.stderr.close()
        return exit_code


@contextmanager
def running(
    folder: Path, environ: Mapping[str, str] | None = None, inbox: Inbox | None = None
) -> Iterator[Service]:
    """Run a service until the end of the block."""
    service = Service(folder, environ, inbox)
    try:
        yield service.start()
    finally:
        service.stop()


def command() -> str:
    return str(Path(sys.executable).with_name("dialtone"))


def free_port() -> int:
    return free_ports(1)[0]
