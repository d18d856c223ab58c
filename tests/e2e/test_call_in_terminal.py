"""`make call`: a person goes through whole calls in the terminal, without a Twilio account."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.servers.process import wait_until

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "tests.support.servers.fake_twilio.call", "--folder")


def test_a_person_joins_calls_again_and_signs_in_with_a_code(tmp_path: Path) -> None:
    command = [*COMMAND, str(tmp_path / "call")]
    lines = "\n/calls\n1\n\n/code\nanswered\n\n4\n/quit\n"
    shown = subprocess.check_output(command, cwd=ROOT, input=lines, text=True)
    for text in (
        "Welcome to Dialtone.",
        "/calls: 401",
        "Thank you. You have joined",
        "rings: Enter",
        "Goodbye.",
    ):
        assert text in shown

    output = tmp_path / "output"
    with (
        output.open("wb") as stdout,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=stdout, text=True
        ) as process,
    ):

        def matches(pattern: str) -> list[str]:
            return re.findall(pattern, output.read_text())

        def type_lines(*lines: str, until: str) -> str:
            """Type the lines, and wait until the output matches this pattern."""
            assert process.stdin is not None
            process.stdin.write("".join(f"{line}\n" for line in lines))
            process.stdin.flush()
            wait_until(lambda: matches(until) != [], explain=output.read_text)
            return matches(until)[0]

        # The service knows who has joined, and calls back.
        type_lines("", "code", until="Welcome back(?s:.*)rings: Enter answers.")
        code = type_lines("", "7", until=r"(?:\d ){5}\d").replace(" ", "")
        type_lines(f"/signin {code}", "/calls", until="OTP verified(?s:.*)code_read")
        type_lines("", "4", "1", "", until=r"\[message to \+14155552671\]")

        # Ctrl-C, while a call waits for an answer.
        process.send_signal(signal.SIGINT)

        assert process.wait(30) == 0
