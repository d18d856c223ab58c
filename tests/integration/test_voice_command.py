"""`dialtone voice` as an operator uses it."""

from pathlib import Path
from typing import Final

from tests.support.forked_service import ForkedService

PHONE_LINE: Final = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org/app",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "US",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "tops3cret",
    "TWILIO_FROM": "Acme",
    "TWILIO_VOICE_FROM": "+14155550006",
}


def test_it_shows_the_urls_to_enter_at_twilio_or_what_is_missing(tmp_path: Path) -> None:
    finished = ForkedService(tmp_path, PHONE_LINE).run("voice", "urls")

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

    without_number = ForkedService(tmp_path, PHONE_LINE | {"TWILIO_VOICE_FROM": ""}).run(
        "voice", "urls"
    )
    assert (without_number.returncode, without_number.stdout) == (1, "")
    assert "TWILIO_VOICE_FROM" in without_number.stderr
