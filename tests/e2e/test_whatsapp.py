"""Codes by WhatsApp, and by SMS where they fail: what Meta and Twilio get, and a client sees."""

from pathlib import Path

from tests.support.client import open_client
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.service import running
from tests.support.whatsapp.fake_whatsapp import FakeWhatsApp, a_status

UNDELIVERABLE = 131026
BY_SMS, BY_WHATSAPP = "+14155563001", "+14155563002"


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

        meta.errors = {BY_SMS[1:]: UNDELIVERABLE}
        with running(tmp_path, environ, inbox) as service, open_client(service) as http:
            requested = [
                http.post("/auth/request-otp", json={"phone": phone}).json()
                for phone in (BY_SMS, BY_WHATSAPP)
            ]
            assert [(each["sent"], {*each}) for each in requested] == [(True, {*requested[0]})] * 2
            assert service.messages(BY_SMS)[0].isdigit()
            assert not inbox(BY_WHATSAPP)

            # It failed after Meta took it: the same code, once, whatever is repeated.
            (sent,) = (each for each in meta.sent if each["to"] == BY_WHATSAPP)
            code = sent["template"]["components"][0]["parameters"][0]["text"]
            report = meta.report(a_status(sent, "failed", UNDELIVERABLE))
            for _ in range(3):
                assert meta.post(f"{service.url}/whatsapp/status", report).status_code == 200
            assert service.code(BY_WHATSAPP) == code
            otp = {"phone": BY_WHATSAPP, "otp": code}
            assert http.post("/auth/verify-otp", json=otp).json()["success"] is True

    assert [len(inbox(number)) for number in (BY_SMS, BY_WHATSAPP)] == [1, 1]
    assert service.log.count('"otp_fell_back"') == 2
    assert not any(number[1:] in service.log for number in (BY_SMS, BY_WHATSAPP))
