"""`DIALTONE_SMS` with two messengers.

Which response of Twilio has which result is tested with the Twilio messenger.
"""

from pathlib import Path

import httpx

from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio, rejects


def test_the_second_messenger_is_used_after_a_rejection_in_both_apis(
    tmp_path: Path, phone: str, other_phone: str
) -> None:
    own = OwnMessenger(tmp_path).install()
    with FakeTwilio() as twilio:
        environ = {
            "DIALTONE_SMS": f"twilio,{OWN_FACTORY}",
            "DIALTONE_COUNTRIES": "*",
            "DIALTONE_PROVIDER_CHOICE": "no",
        }
        with (
            running(tmp_path, twilio.environ | environ, own.inbox) as service,
            httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http,
        ):
            twilio.behavior = rejects(20429)
            sent = http.post("/auth/request-otp", json={"phone": phone})
            legacy = http.post("/authenticate/get_otp", json={"phone": other_phone})

    assert sent.json()["sent"] is True
    assert legacy.json() == {"message": "success", "exit_code": 0}
    assert [len(own.inbox(number)) for number in (phone, other_phone)] == [1, 1]
