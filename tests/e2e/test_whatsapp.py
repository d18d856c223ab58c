"""Codes by WhatsApp, and by SMS where they fail: what Meta and Twilio get, and a client sees."""

from pathlib import Path

import httpx

from tests.support.client import open_client
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.service import running
from tests.support.whatsapp.fake_whatsapp import FakeWhatsApp, a_status

UNDELIVERABLE = 131026
BY_SMS, BY_WHATSAPP, LEGACY = "+14155563001", "+14155563002", "+14155563003"


def test_who_whatsapp_does_not_reach_gets_the_code_by_sms(tmp_path: Path) -> None:
    with FakeTwilio() as twilio, FakeWhatsApp() as meta:
        environ = {
            **twilio.environ,
            **meta.environ,
            "DIALTONE_COUNTRIES": "*",
            "DIALTONE_CHANNELS": "*=whatsapp,sms",
            "DIALTONE_SMS": "twilio",
            "DIALTONE_WHATSAPP": "meta",
        }

        def inbox(number: str) -> list[str]:
            return [form["Body"] for form in twilio.messages if form["To"] == number]

        def codes_by_whatsapp(phone: str) -> list[str]:
            return [
                each["template"]["components"][0]["parameters"][0]["text"]
                for each in meta.sent
                if each["to"] == phone
            ]

        meta.errors = {BY_SMS[1:]: UNDELIVERABLE}
        with running(tmp_path, environ, inbox) as service, open_client(service) as http:

            def post(path: str, body: object) -> httpx.Response:
                response = http.post(path, json=body)
                assert response.status_code == 200, response.text
                return response

            def report(status: str, code: int | None = None) -> None:
                body = meta.report(a_status(meta.sent[-1], status, code))
                assert meta.post(f"{service.url}/whatsapp/status", body).status_code == 200

            first = post("/auth/request-otp", {"phone": BY_SMS}).json()
            [code] = service.messages(BY_SMS)
            second = post("/auth/request-otp", {"phone": BY_WHATSAPP}).json()
            assert (first.keys(), first["sent"]) == (second.keys(), second["sent"])
            assert not inbox(BY_WHATSAPP)

            # It failed after Meta took it: the same code, once, whatever is repeated.
            [code_by_whatsapp] = codes_by_whatsapp(BY_WHATSAPP)
            for _ in range(3):
                report("failed", UNDELIVERABLE)
            assert service.code(BY_WHATSAPP) == code_by_whatsapp
            otp = {"phone": BY_WHATSAPP, "otp": code_by_whatsapp}
            assert post("/auth/verify-otp", otp).json()["success"] is True

            # The older app. It arrived at one device, and not at another.
            post("/authenticate/get_otp", {"phone": LEGACY})
            assert len(codes_by_whatsapp(LEGACY)) == 1
            report("delivered")
            report("failed", UNDELIVERABLE)

    assert code.isdigit()
    assert [len(inbox(number)) for number in (BY_SMS, BY_WHATSAPP, LEGACY)] == [1, 1, 0]
    assert service.log.count('"otp_fell_back"') == 2
    assert not any(number[1:] in service.log for number in (BY_SMS, BY_WHATSAPP, LEGACY))
