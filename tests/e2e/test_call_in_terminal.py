"""`make call`: a person goes through whole calls in the terminal, without a Twilio account."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.output_reader import OutputReader
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio.call import main
from tests.support.servers.http_server import HttpServer
from tests.support.service import Service, free_port, running

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "tests.support.servers.fake_twilio.call")
TIMEOUT: Final = 30
CODE: Final = re.compile(r"^  Sign in with /signin (\d{6})", re.MULTILINE)


def call(
    *arguments: str, lines: Sequence[str] = (), **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run it with these lines as its input."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )


class Person:
    """Types a line when a text is shown."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._input = process.stdin
        self._output = OutputReader(process.stdout)

    @property
    def shown(self) -> str:
        return self._output.text

    def wait_for(self, text: str) -> None:
        assert self._output.wait_for(lambda: text in self.shown, TIMEOUT), self.shown

    def type(self, *lines: str) -> None:
        self._input.write("".join(f"{line}\n" for line in lines).encode())
        self._input.flush()

    def wait(self) -> int:
        exit_code = self.process.wait(TIMEOUT)
        self._output.close(TIMEOUT)
        return exit_code


@contextmanager
def at_the_terminal(*arguments: str) -> Iterator[Person]:
    """Start it for a person; end it after the block."""
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Person(process)
        finally:
            process.kill()


def service_url(shown: str) -> str:
    match = re.search(r"It runs at (http://\S+)\.", shown)
    assert match is not None, shown
    return match[1]


def assert_stopped(url: str) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health/live", **PLAIN_HTTP)


def test_a_person_joins_calls_again_and_signs_in_with_a_code(tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path / "call"))

    joined = call(*folder, lines=["", "1", "", "answered", "/quit"])

    assert joined.returncode == 0, joined.stderr
    for text in ("Welcome to Dialtone.", "Thank you. You have joined", "< Goodbye."):
        assert text in joined.stdout
    assert_stopped(service_url(joined.stdout))
    with at_the_terminal(*folder) as person:
        # The service knows who has joined. It calls back: the phone rings.
        person.type("", "code", "/wait", "", "7")
        person.wait_for("/auth/verify-otp")
        match = CODE.search(person.shown)
        assert match is not None, person.shown
        person.type(f"/signin {match[1]}", "/calls", "", "4", "1", "")
        person.wait_for("[message to +14155552671]")

        # Ctrl-C, while a call waits for an answer.
        person.process.send_signal(signal.SIGINT)

        assert person.wait() == 0
        shown = person.shown
    assert "Welcome back to Dialtone." in shown
    assert f"< {' '.join(match[1])}" in shown
    assert '"message": "OTP verified"' in shown
    assert '"outcome": "code_read"' in shown
    assert_stopped(service_url(shown))


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Service]:
    """A service that was started with the printed variables."""
    with redirect_stdout(StringIO()) as printed:
        assert main(["--print-environment", f"--port={port}"]) == 0
    words = (shlex.split(line) for line in printed.getvalue().splitlines())
    environ = dict(assignment.split("=", 1) for _, assignment in words)
    with running(tmp_path_factory.mktemp("service"), environ) as service:
        yield service


def test_a_person_calls_a_running_service(service: Service, port: int) -> None:
    arguments = ("--service", service.url, "--public-url", "http://127.0.0.1:8000")
    lines = ["+919876543210", "", "हाँ", "/hangup", "", "9", "no such word", "", "/help"]

    called = call(*arguments, f"--port={port}", lines=lines)

    assert called.returncode == 0, called.stderr
    assert "आपका स्वागत है" in called.stdout
    assert "The call has ended: completed." in called.stdout
    assert called.stdout.count("key or words; Enter is silence> ") == 4
    assert service.is_running


def test_errors_say_what_to_do(service: Service, port: int) -> None:
    with HttpServer(lambda _: None) as other:
        used = other.url.rpartition(":")[2]
        occupied = call("--service", service.url, f"--port={used}")
    unsigned = call("--service", service.url, f"--port={port}", lines=[""])
    absent = call("--service", f"http://127.0.0.1:{free_port()}", f"--port={port}", lines=[""])
    unstarted = call("--folder", str(service.folder / "call"), "--flow", "no-such-flow.toml")

    assert (occupied.returncode, occupied.stdout) == (1, "")
    assert "Choose a port: --port" in occupied.stderr
    assert "--public-url" in unsigned.stdout
    assert "Is it running?" in absent.stdout
    assert "DIALTONE_CALL_FLOW" in unstarted.stderr
    assert [each.returncode for each in (unsigned, absent, unstarted)] == [0, 0, 1]


def test_the_url_of_the_service_needs_its_scheme(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--service", "127.0.0.1:8000"])

    assert "http://" in capsys.readouterr().err
