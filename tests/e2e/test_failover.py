"""`DIALTONE_SMS` with two messengers.

Which response of Twilio has which result is tested with the Twilio messenger.
"""

from pathlib import Path

from tests.support.client import open_client
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.fake_vonage import FakeVonage, make_status, sign
from tests.support.service import running


def test_vonage_sends_what_twilio_does_not_and_reports_it(tmp_path: Path, phone: str) -> None:
    with FakeTwilio() as twilio, FakeVonage() as vonage:
        used = {"DIALTONE_SMS": "twilio,vonage", "DIALTONE_COUNTRIES": "*"}

        def inbox(number: str) -> list[str]:
            return [sent["text"] for sent in vonage.messages if sent["to"] == number[1:]]

        with (
            running(tmp_path, twilio.environ | vonage.environ | used, inbox) as service,
            open_client(service) as http,
        ):
            vonage.service_url = service.url
            twilio.behavior = rejects(20503, 503)
            sent = http.post("/auth/request-otp", json={"phone": phone}).json()
            path = f"/auth/requests/{sent['request_id']}"
            [message] = vonage.messages
            assert (sent["sent"], inbox(phone)) == (True, [message["text"]])

            # A status counts with its signature, and only advances.
            body = make_status(message, "delivered")
            forged = sign(make_status(message, "rejected"))
            assert http.post("/sms/status", content=body, headers=forged).status_code == 403
            assert http.get(path).json()["status"] == "queued"
            for status in ("submitted", "delivered", "submitted", "rejected"):
                assert vonage.report(message, status).status_code == 200
            assert http.get(path).json() == {"status": "delivered"}

            # Somebody answered the message; the application may have other messages, too.
            inbound = b'{"channel": "sms", "message_type": "text", "text": "STOP"}'
            other = make_status({**message, "client_ref": "of-another-service"}, "rejected")
            for content in (inbound, other):
                posted = http.post("/sms/status", content=content, headers=sign(content))
                assert posted.status_code == 200
