"""`DIALTONE_SMS` with two messengers.

Which response of Twilio has which result is tested with the Twilio messenger.
"""

from pathlib import Path

import httpx

from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.fake_vonage import FakeVonage, make_status, sign


def test_the_second_messenger_is_used_after_a_rejection_in_both_apis(
    tmp_path: Path, phone: str, other_phone: str
) -> None:
    own = OwnMessenger(tmp_path).install()
    with FakeTwilio() as twilio:
        environ = {
            "DIALTONE_SMS": f"twilio,{OWN_FACTORY}",
            "DIALTONE_COUNTRIES": "*",
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


def test_vonage_sends_what_twilio_does_not_and_reports_it(tmp_path: Path, phone: str) -> None:
    with FakeTwilio() as twilio, FakeVonage() as vonage:
        used = {"DIALTONE_SMS": "twilio,vonage", "DIALTONE_COUNTRIES": "*"}

        def inbox(number: str) -> list[str]:
            return [sent["text"] for sent in vonage.messages if sent["to"] == number[1:]]

        with (
            running(tmp_path, twilio.environ | vonage.environ | used, inbox) as service,
            httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http,
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


def test_after_one_lost_message_the_next_people_get_theirs_from_the_other_provider(
    tmp_path: Path, phone: str, other_phone: str
) -> None:
    with FakeTwilio() as twilio, FakeVonage() as vonage:
        used = {"DIALTONE_SMS": "twilio,vonage", "DIALTONE_COUNTRIES": "*"}
        with (
            running(tmp_path, twilio.environ | vonage.environ | used, lambda _: []) as service,
            httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http,
        ):
            twilio.behavior = rejects(20500, 500)
            for number in (phone, other_phone):
                sent = http.post("/auth/request-otp", json={"phone": number}).json()
                assert sent["sent"] is True
            service.wait_until_logged("provider_paused")
            assert "HTTP 500 of twilio" in service.log
            shown = service.run("user", "show", phone).stdout

    assert [message["to"] for message in vonage.messages] == [other_phone[1:]]
    assert "HTTP 500 of twilio" in shown


def test_without_both_providers_a_code_is_not_sent(
    tmp_path: Path, phone: str, other_phone: str
) -> None:
    with FakeTwilio() as twilio, FakeVonage() as vonage:
        used = {"DIALTONE_SMS": "twilio,vonage", "DIALTONE_COUNTRIES": "*"}
        with (
            running(tmp_path, twilio.environ | vonage.environ | used, lambda _: []) as service,
            httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http,
        ):
            twilio.stop_listening()
            sent = http.post("/auth/request-otp", json={"phone": phone})
            vonage.has_credit = False
            failed = http.post("/auth/request-otp", json={"phone": other_phone})

    assert (sent.status_code, sent.json()["sent"]) == (200, True)
    assert len(vonage.messages) == 1
    assert (failed.status_code, failed.json()["code"]) == (503, "delivery_failed")
