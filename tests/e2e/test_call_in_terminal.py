"""`make call`: a person goes through whole calls in the terminal, without a Twilio account."""

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import httpx
import pytest

from entrypoints.settings import read_settings
from tests.e2e.phone_line import PUBLIC_URL, PhoneLine
from tests.support.output_reader import OutputReader
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import call
from tests.support.servers.http_server import HttpServer
from tests.support.service import free_port

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "tests.support.servers.fake_twilio.call")
TIMEOUT: Final = 30
Run = Callable[..., tuple[int, str]]
CODE: Final = re.compile(r"^  Sign in with /signin (\d{6})", re.MULTILINE)


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

    with at_the_terminal(*folder) as person:
        person.type("", "1", "", "answered", "/quit")
        assert person.wait() == 0
        shown = person.shown
    for text in ("Welcome to Dialtone.", "Thank you. You have joined", "< Goodbye."):
        assert text in shown
    assert_stopped(service_url(shown))
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


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs it in this process, with these lines as its input."""
    monkeypatch.setattr(call, "exit_on_signals", lambda *_: None)

    def run(*arguments: str, lines: Sequence[str] = ()) -> tuple[int, str]:
        with TemporaryFile("w+") as stdin:
            stdin.write("".join(f"{line}\n" for line in lines))
            stdin.seek(0)
            monkeypatch.setattr(sys, "stdin", stdin)
            exit_code = call.main(arguments)
        output = capsys.readouterr()
        return exit_code, output.out + output.err

    return run


def test_a_person_calls_a_running_service(line: PhoneLine, phone: str, run: Run) -> None:
    arguments = ("--service", line.service.url, "--public-url", PUBLIC_URL, "--port=0")
    lines = [f"+91987652{phone[-4:]}", "", "हाँ", "/hangup", "", "9", "no such word", "", "/help"]

    exit_code, shown = run(*arguments, lines=lines)

    assert exit_code == 0
    assert "आपका स्वागत है" in shown
    assert "The call has ended: completed." in shown
    assert shown.count("key or words; Enter is silence> ") == 4
    assert line.service.is_running


def test_a_rejected_signature_is_explained(line: PhoneLine, run: Run) -> None:
    _, shown = run("--service", line.service.url, "--port=0", lines=[""])

    assert "--public-url" in shown


def test_the_printed_variables_are_settings_of_a_phone_line(run: Run) -> None:
    _, shown = run("--print-environment", "--port=4567")

    words = (shlex.split(line) for line in shown.splitlines())
    settings = read_settings(dict(assignment.split("=", 1) for _, assignment in words), None)
    assert settings.has_phone_line
    assert (settings.public_url, settings.twilio_api_base) == (
        call.SERVICE,
        "http://127.0.0.1:4567",
    )
    assert settings.operator is not None


def test_a_port_that_is_used_is_an_error(run: Run) -> None:
    with HttpServer(lambda _: None) as other:
        used = other.url.rpartition(":")[2]
        exit_code, shown = run("--service", call.SERVICE, f"--port={used}")

    assert exit_code == 1
    assert "Choose a port: --port" in shown


def test_a_service_that_does_not_run_is_explained(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    _, shown = run("--service", url, "--port=0", lines=["", "/code"])

    assert shown.count("Is it running?") == 2


def test_a_service_that_does_not_start_is_explained(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dialtone"
    program.write_text("#!/bin/sh\necho 'DIALTONE_CALL_FLOW: no such file' >&2\nexit 2\n")
    program.chmod(0o700)
    monkeypatch.setattr(call, "command", lambda: str(program))

    exit_code, shown = run("--folder", str(tmp_path / "call"), "--flow", "no-such-flow.toml")

    assert exit_code == 1
    assert "DIALTONE_CALL_FLOW: no such file" in shown


def test_the_url_of_the_service_needs_its_scheme(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call.main(["--service", "127.0.0.1:8000"])

    assert "http://" in capsys.readouterr().err
