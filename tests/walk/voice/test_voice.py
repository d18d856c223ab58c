"""The phone line, with the simulated Twilio."""

from pathlib import Path

from tests.e2e.phone_line import run_phone_line
from tests.support.forked_service import running

PHONE = "+14155571101"


def test_a_caller_joins_and_hears_a_code(tmp_path: Path) -> None:
    with run_phone_line(tmp_path / "line", start=running) as line:
        line.join("+14155571102")
        requested = line.http.post(
            "/auth/request-otp", json={"phone": PHONE, "channel": "voice"}
        ).json()
        assert requested["sent"] is True
        assert line.verify(PHONE, line.hear_code(PHONE))["success"] is True
        assert "/voice/fallback" in line.service.run("check-settings", "--connect").stdout
