"""The message provider hangs.

`tests/unit/adapters/messages/test_provider_responses.py` has all failures of Twilio.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.faults.traffic import RequestFailed, check, open_client
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import never_respond
from tests.support.service import running

PHONE, LATER = "+14155580001", "+14155580002"
PHONES: Final = [f"+1415558{number:04d}" for number in range(100, 220)]


async def test_a_hanging_provider_delays_no_other_request(tmp_path: Path) -> None:
    with FakeTwilio() as twilio:

        def inbox(phone: str) -> list[str]:
            return [message["Body"] for message in twilio.messages if message["To"] == phone]

        environ = {"DIALTONE_SMS": "twilio", "DIALTONE_COUNTRIES": "*", **twilio.environ}
        with running(tmp_path, environ, inbox) as service:
            async with open_client(service) as http:
                await http.post("/auth/request-otp", json={"phone": PHONE})
                body = {"phone": PHONE, "otp": service.code(PHONE)}
                twilio.behavior = never_respond
                hanging = [
                    asyncio.create_task(http.post("/auth/request-otp", json={"phone": phone}))
                    for phone in PHONES
                ]
                await asyncio.to_thread(twilio.wait_for_requests, 2)
                verified = await http.post("/auth/verify-otp", json=body)
                assert verified.json()["success"] is True
                assert (await http.get("/health/live")).status_code == 200
                assert not any(request.done() for request in hanging)

                for response in await asyncio.gather(*hanging):
                    with suppress(RequestFailed):
                        assert check(response, "POST /auth/request-otp", 200)["sent"] is True
                assert all(len(inbox(phone)) <= 1 for phone in PHONES)
                twilio.behavior = twilio.respond
                # It has not answered again and again, so it is left alone for a minute.
                later = await http.post("/auth/request-otp", json={"phone": LATER})
                assert (later.status_code, later.json()["code"]) == (503, "delivery_failed")
                assert (inbox(LATER), 0 < later.json()["retry_after"] <= 60) == ([], True)
