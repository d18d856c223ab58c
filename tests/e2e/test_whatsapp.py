"""Codes by WhatsApp, and by SMS where they fail: what Meta and Twilio get, and a client sees."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import Exchange
from tests.support.service import Service, running
from tests.support.whatsapp.fake_whatsapp import FakeWhatsApp, a_status

EVERYWHERE = {"DIALTONE_COUNTRIES": "*", "DIALTONE_CHANNELS": "*=whatsapp,sms"}
UNDELIVERABLE = 131026


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


@pytest.fixture
def meta() -> Iterator[FakeWhatsApp]:
    with FakeWhatsApp() as meta:
        yield meta


@pytest.fixture
def environ(twilio: FakeTwilio, meta: FakeWhatsApp) -> dict[str, str]:
    providers = {"DIALTONE_SMS": "twilio", "DIALTONE_WHATSAPP": "meta"}
    return {**twilio.environ, **meta.environ, **EVERYWHERE, **providers}


def request_otp(service: Service, phone: str) -> dict[str, object]:
    body = {"phone": phone}
    response = httpx.post(f"{service.url}/auth/request-otp", json=body, timeout=30, **PLAIN_HTTP)
    assert response.status_code == 200, response.text
    sent: dict[str, object] = response.json()
    return sent


def report(service: Service, meta: FakeWhatsApp, status: str, code: int | None = None) -> None:
    body = meta.report(a_status(meta.sent[-1], status, code))
    assert meta.post(f"{service.url}/whatsapp/status", body).status_code == 200


def codes_by_whatsapp(meta: FakeWhatsApp, phone: str) -> list[str]:
    return [
        each["template"]["components"][0]["parameters"][0]["text"]
        for each in meta.sent
        if each["to"] == phone
    ]


def test_who_whatsapp_does_not_reach_gets_the_code_by_sms(
    tmp_path: Path,
    twilio: FakeTwilio,
    meta: FakeWhatsApp,
    environ: dict[str, str],
    phone: str,
    other_phone: str,
) -> None:
    def inbox(number: str) -> list[str]:
        return [form["Body"] for form in twilio.messages if form["To"] == number]

    meta.errors = {phone[1:]: UNDELIVERABLE}
    with running(tmp_path, environ, inbox) as service:
        by_sms = request_otp(service, phone)
        [code] = service.messages(phone)
        by_whatsapp = request_otp(service, other_phone)
        assert (by_sms.keys(), by_sms["sent"]) == (by_whatsapp.keys(), by_whatsapp["sent"])
        assert not inbox(other_phone)

        # It failed after Meta took it: the same code, once, whatever is repeated.
        [code_by_whatsapp] = codes_by_whatsapp(meta, other_phone)
        for _ in range(3):
            report(service, meta, "failed", UNDELIVERABLE)
        assert service.code(other_phone) == code_by_whatsapp
        body = {"phone": other_phone, "otp": code_by_whatsapp}
        verified = httpx.post(f"{service.url}/auth/verify-otp", json=body, **PLAIN_HTTP).json()
        assert verified["success"] is True

        # The older app. It arrived at one device, and not at another.
        third = phone.replace("+1415556", "+1415557")
        legacy = f"{service.url}/authenticate/get_otp"
        assert httpx.post(legacy, json={"phone": third}, **PLAIN_HTTP).status_code == 200
        assert len(codes_by_whatsapp(meta, third)) == 1
        report(service, meta, "delivered")
        report(service, meta, "failed", UNDELIVERABLE)
        service.stop()

    assert code.isdigit()
    assert [len(inbox(number)) for number in (phone, other_phone, third)] == [1, 1, 0]
    assert service.log.count('"otp_fell_back"') == 2
    assert not any(number[1:] in service.log for number in (phone, other_phone, third))
    assert code_by_whatsapp not in service.log


def test_a_service_that_stops_ends_the_sms_that_it_has_begun(
    tmp_path: Path,
    twilio: FakeTwilio,
    meta: FakeWhatsApp,
    environ: dict[str, str],
    phone: str,
) -> None:
    def respond_late(exchange: Exchange) -> None:
        exchange.wait(3)
        twilio.respond(exchange)

    with running(tmp_path, environ) as service:
        request_otp(service, phone)
        twilio.behavior = respond_late
        report(service, meta, "failed", UNDELIVERABLE)
        service.stop()
    assert len(twilio.sent) == 1
    accepted = [line for line in service.log.splitlines() if '"otp_accepted"' in line]
    assert ['"channel":"sms"' in line for line in accepted] == [False, True]
