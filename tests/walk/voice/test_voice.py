"""The phone line, with the simulated Twilio."""

import re
from pathlib import Path
from typing import Final

from tests.support.servers.fake_twilio import FakeTwilio, PhoneCall
from tests.support.walker import walking

PUBLIC_URL: Final = "https://phone.example.org/line"
"""A proxy removes the path prefix, and the service never sees this host."""
CALLER, PHONE = "+14155571102", "+14155571101"


def test_a_caller_joins_and_hears_a_code(tmp_path: Path) -> None:
    with FakeTwilio() as twilio:
        settings = {
            **twilio.environ,
            "DIALTONE_SMS": "twilio",
            "DIALTONE_COUNTRIES": "*",
            "DIALTONE_PUBLIC_URL": PUBLIC_URL,
            "DIALTONE_OPERATOR": "+14155550142",
        }
        with walking(tmp_path / "service", **settings) as walker:
            twilio.service_url, twilio.public_url = walker.service.url, PUBLIC_URL
            joining = PhoneCall(twilio, CALLER)
            joining.ring()
            joining.press("1")
            joining.end_dial("completed")

            body = {"phone": PHONE, "channel": "voice"}
            assert walker.http.post("/auth/request-otp", json=body).json()["sent"] is True
            (placed,) = [call for call in twilio.placed if call.form["To"] == PHONE]
            call = PhoneCall(twilio, PHONE)
            call.receive(placed)
            call.answer()
            call.press("5")
            # The code is read twice, digit by digit.
            digits = "".join(text for text in call.heard if len(text) == 1)
            assert re.fullmatch(r"(\d{6})\1", digits), call.heard
            verified = walker.http.post(
                "/auth/verify-otp", json={"phone": PHONE, "otp": digits[:6]}
            )
            assert verified.json()["success"] is True
            checked = walker.service.run("check-settings", "--connect").stdout
            assert f"{PUBLIC_URL}/voice/fallback" in checked
