"""The service as a process, used over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self, cast

import httpx

from tests.support.forks import DIALTONE, ForkedProgram, run_forked
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import Process, free_ports, wait_until

START_TIMEOUT: Final = 30.0
REASON: Final = ("--reason", "a test")
"""Options that each act by a command needs."""
_ROW: Final = re.compile(r"^│ (.*?) *│$", re.MULTILINE)
_CODE: Final = re.compile(r"\d{4,}")
_INHERITED_VARIABLES: Final = ("PATH", "HOME", "LANG")


HIGH_LIMITS: Final = {
    "DIALTONE_SMS_LIMIT_PER_IP": "600/1m",
    "DIALTONE_SMS_LIMIT_PER_COUNTRY": "12000/1m",
    "DIALTONE_SMS_LIMIT_TOTAL": "12000/1m",
    "DIALTONE_REQUEST_LIMIT_PER_IDENTITY": "1000000/1m",
    "DIALTONE_REFRESH_LIMIT_PER_IP": "1000000/1m",
}
"""All tests of a service use one client IP: only tests of rate limits may reach a limit."""

Inbox = Callable[[str], list[str]]
"""Returns the messages to a phone so far, in order."""


class Service(Process):
    """A `dialtone run` in its own folder; its output is kept in two files beside the folder.

    Args:
        inbox: Returns the messages if they are not printed to the terminal.
        program: The command to run instead of the installed `dialtone`.
    """

    name = "service"

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        inbox: Inbox | None = None,
        *,
        program: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = dict(environ or {})
        """The variables that it was created with, for another instance."""
        self._inbox = inbox or self._console_messages
        self._program = [*program] or [command()]
        self.outputs = [folder.with_name(f"{folder.name}-{self.port}.{n}") for n in ("out", "err")]
        self._old_log = ""

    @property
    def shown(self) -> str:
        """Its stdout so far, over all starts."""
        return self.outputs[0].read_text(errors="ignore")

    @property
    def log(self) -> str:
        """Its stderr so far, over all starts."""
        return self.outputs[1].read_text(errors="ignore")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def errors(self) -> list[str]:
        """The events of its lines about errors."""
        return [line["event"] for line in self.lines if line["level"] in ("error", "critical")]

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers; none if it has just ended."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        with suppress(FileNotFoundError, ProcessLookupError):
            return [int(pid) for pid in children.read_text().split()]
        return []

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the service and of its commands; a warning is an error."""
        return {
            **{name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "error",
            "DIALTONE_BIND": f"127.0.0.1:{self.port}",
            "DIALTONE_PUBLIC_URL": self.url,
            # Instances of one database have ports of their own, and accept each other's tokens.
            "DIALTONE_TOKEN_ISSUER": "dialtone",
            "DIALTONE_DATABASE": f"sqlite:///{self.folder}/dialtone.db",
            "DIALTONE_MEDIA": f"file://{self.folder}/media",
            "DIALTONE_SECRETS_FILE": f"{self.folder}/secrets.json",
            # It would write while a test counts writes or log lines.
            "DIALTONE_CLEANUP_INTERVAL": "off",
            # A test that leaves connections open does not wait for them.
            "DIALTONE_DRAIN_TIMEOUT": "8s",
            **HIGH_LIMITS,
            **self.settings,
        }

    def start(self, **options: Any) -> Self:
        self.launch(**options)
        self.wait_until_ready()
        return self

    def launch(self, **options: Any) -> None:
        """Start it with other options of `Popen`, and do not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            Path(os.devnull).open("rb") as stdin,
            self.outputs[0].open("ab") as stdout,
            self.outputs[1].open("ab") as stderr,
        ):
            self._old_log = self.log
            self._spawn([stream.fileno() for stream in (stdin, stdout, stderr)], options)

    def _spawn(self, streams: Sequence[int], options: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [*self._program, "run"],
            cwd=self.folder,
            env=self.environ,
            **{**dict(zip(("stdin", "stdout", "stderr"), streams, strict=True)), **options},
        )

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
        self.wait_for(lambda: len(self.messages(phone)) >= number)
        return self.messages(phone)[number - 1]

    def wait_until_logged(self, event: str) -> None:
        """Wait until its log has this event since the last start."""
        self.wait_for(lambda: f'"{event}"' in self.log.removeprefix(self._old_log))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition is true, as some output makes it."""
        wait_until(condition, START_TIMEOUT, lambda: f"{self.shown}\n{self.log}")

    def wait_until_ready(self, path: str = "live") -> None:
        def responds() -> bool:
            assert self.is_running, f"{self.shown}\n{self.log}"
            with suppress(httpx.TransportError):
                url = f"{self.url}/health/{path}"
                return httpx.get(url, timeout=1, **PLAIN_HTTP).is_success
            return False

        self.wait_for(responds)

    def end(self, number: signal.Signals) -> int:
        """Also wait for its workers."""
        workers = self.workers if self.is_running else []
        exit_code = super().end(number)
        # The workers of a killed service end a moment later.
        self.wait_for(lambda: not any(map(_is_alive, workers)))
        return exit_code

    def _console_messages(self, phone: str) -> list[str]:
        beginnings = self.shown.split(f"To: {phone} ")[1:]
        boxes = [box for box, bottom, _ in (text.partition("\n└") for text in beginnings) if bottom]
        return ["\n".join(_ROW.findall(box)) for box in boxes]


def _is_alive(pid: int) -> bool:
    """Return whether the process has not ended; a zombie has no command line."""
    with suppress(OSError):
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    return False


class ForkedService(Service):
    """A service that has imported everything when it starts."""

    module = DIALTONE

    def _spawn(self, streams: Sequence[int], options: Mapping[str, Any]) -> None:
        """Fork it. With options of `Popen` it is started as any other service."""
        if options:
            super()._spawn(streams, options)
            return
        program = ForkedProgram(self.module, ["run"], self.folder, self.environ, streams)
        self._process = cast("subprocess.Popen[bytes]", program)

    def run(self, *arguments: str, stdin: int | None = None) -> "subprocess.CompletedProcess[str]":
        """Run another command in its environment, with a descriptor as its stdin, if given."""
        return run_forked(self.module, arguments, self.folder, self.environ, START_TIMEOUT, stdin)


@contextmanager
def running(
    folder: Path, environ: Mapping[str, str] | None = None, inbox: Inbox | None = None
) -> Iterator[ForkedService]:
    """Run a service until the end of the block."""
    service = ForkedService(folder, environ, inbox)
    try:
        yield service.start()
    finally:
        service.stop()


def command() -> str:
    return str(Path(sys.executable).with_name("dialtone"))
