"""The message provider hangs.

`tests/unit/adapters/messages/test_provider_responses.py` has all failures of Twilio.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from tests.faults.traffic import RequestFailed, check
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import never_respond
from tests.support.service import running

RESPONSE_TIMEOUT: Final = 60.0
"""Seconds. The provider has 10 without a byte, and 15 for its whole response."""
PHONE, LATER = "+14155580001", "+14155580002"


async def test_a_hanging_provider_delays_no_other_request(tmp_path: Path) -> None:
    with FakeTwilio() as twilio:

        def inbox(phone: str) -> list[str]:
            return [message["Body"] for message in twilio.messages if message["To"] == phone]

        environ = {"DIALTONE_SMS": "twilio", "DIALTONE_COUNTRIES": "*", **twilio.environ}
        limits = httpx.Limits(max_connections=300)
        with running(tmp_path, environ, inbox) as service:
            async with httpx.AsyncClient(
                base_url=service.url, timeout=RESPONSE_TIMEOUT, **PLAIN_HTTP, limits=limits
            ) as http:
                await http.post("/auth/request-otp", json={"phone": PHONE})
                body = {"phone": PHONE, "otp": service.code(PHONE)}
                phones = [f"+1415558{number:04d}" for number in range(100, 220)]
                twilio.behavior = never_respond

                hanging = [
                    asyncio.create_task(http.post("/auth/request-otp", json={"phone": phone}))
                    for phone in phones
                ]
                await asyncio.to_thread(twilio.wait_for_requests, 2)
                verified = await http.post("/auth/verify-otp", json=body)
                assert verified.json()["success"] is True
                assert (await http.get("/health/live")).status_code == 200
                assert not any(request.done() for request in hanging)

                for response in await asyncio.gather(*hanging):
                    with suppress(RequestFailed):
                        assert check(response, "POST /auth/request-otp", 200)["sent"] is True
                assert all(len(inbox(phone)) <= 1 for phone in phones)
                twilio.behavior = twilio.respond
                # It has not answered again and again, so it is left alone for a minute.
                later = await http.post("/auth/request-otp", json={"phone": LATER})
                assert (later.status_code, later.json()["code"]) == (503, "delivery_failed")
                assert (inbox(LATER), 0 < later.json()["retry_after"] <= 60) == ([], True)
