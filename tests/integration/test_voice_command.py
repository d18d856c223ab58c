"""`dialtone voice` as an operator uses it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
MAIN: Final = "import sys; from entrypoints.cli import main; sys.exit(main())"
PHONE_LINE: Final = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org/app",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "US",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "tops3cret",
    "TWILIO_FROM": "Acme",
    "TWILIO_VOICE_FROM": "+14155550006",
}


def run(folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, "voice", "urls"],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_shows_the_urls_to_enter_at_twilio(tmp_path: Path) -> None:
    finished = run(tmp_path, PHONE_LINE)

    lines = finished.stdout.splitlines()
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "+14155550006" in lines[0]
    assert [line.split("  ")[0] for line in lines[1:4]] == [
        "A call comes in",
        "Primary handler fails",
        "Call status changes",
    ]
    assert [line.partition("HTTP POST  ")[2] for line in lines[1:4]] == [
        "https://dialtone.example.org/app/voice",
        "https://dialtone.example.org/app/voice/fallback",
        "https://dialtone.example.org/app/voice/status",
    ]
    assert "DIALTONE_OPERATOR is not set" in lines[-1]
    assert "tops3cret" not in finished.stdout


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"DIALTONE_SMS": "console"}, "DIALTONE_SMS=twilio"),
        ({"TWILIO_VOICE_FROM": ""}, "TWILIO_VOICE_FROM"),
    ],
)
def test_it_says_what_the_phone_line_needs(
    tmp_path: Path, changes: dict[str, str], missing: str
) -> None:
    finished = run(tmp_path, PHONE_LINE | changes)

    assert (finished.returncode, finished.stdout) == (1, "")
    assert missing in finished.stderr


def test_without_a_public_url_there_are_no_urls(tmp_path: Path) -> None:
    finished = run(tmp_path, PHONE_LINE | {"DIALTONE_PUBLIC_URL": ""})

    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("DIALTONE_PUBLIC_URL: Must be set if Twilio has a number")
