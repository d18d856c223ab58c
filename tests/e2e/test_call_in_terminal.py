"""`make call`: a person goes through whole calls in the terminal, without a Twilio account."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "tests.support.servers.fake_twilio.call", "--folder")


def test_a_person_joins_and_hears_a_code_that_the_app_asked_for(tmp_path: Path) -> None:
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
