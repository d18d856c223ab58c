"""Codes by WhatsApp, and by SMS where they fail: what Meta and Twilio get, and a client sees."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.e2e.deployments import on_postgres
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_twilio import rejects as fails
from tests.support.servers.http_server import Exchange
from tests.support.service import Service
from tests.support.whatsapp.fake_whatsapp import FakeWhatsApp, a_status

RATE_LIMITS = (4, 80007, 130429, 131056)
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


def request_otp(service: Service, phone: str, **fields: str) -> dict[str, object]:
    body = {"phone": phone, **fields}
    response = httpx.post(f"{service.url}/auth/request-otp", json=body, timeout=30, **PLAIN_HTTP)
    assert response.status_code == 200, response.text
    sent: dict[str, object] = response.json()
    return sent


def report(
    service: Service, meta: FakeWhatsApp, status: str, code: int | None = None, message: int = -1
) -> None:
    body = meta.report(a_status(meta.sent[message], status, code))
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

        # It arrived at one device, and not at another.
        third = phone.replace("+1415556", "+1415557")
        request_otp(service, third)
        report(service, meta, "delivered")
        report(service, meta, "failed", UNDELIVERABLE)
        service.stop()

    assert code.isdigit()
    assert [len(inbox(number)) for number in (phone, other_phone, third)] == [1, 1, 0]
    assert service.log.count('"otp_fell_back"') == 2
    assert not any(number[1:] in service.log for number in (phone, other_phone, third))
    assert code_by_whatsapp not in service.log


def test_while_meta_takes_no_messages_a_code_goes_by_sms_and_no_client_sees_it(
    tmp_path: Path,
    twilio: FakeTwilio,
    meta: FakeWhatsApp,
    environ: dict[str, str],
    phone: str,
) -> None:
    limited = [phone.replace("+1415556", f"+141556{each}") for each in range(len(RATE_LIMITS))]
    uses, has_none, paused = (phone.replace("+1415556", f"+141557{n}") for n in range(3))
    meta.errors = {each[1:]: code for each, code in zip(limited, RATE_LIMITS, strict=True)}
    with running(tmp_path, environ) as service:
        shown = [request_otp(service, each) for each in (*limited, uses)]
        assert [form["To"] for form in twilio.messages] == limited
        assert [message["to"] for message in meta.sent] == [uses]
        meta.errors = {has_none[1:]: RATE_LIMITS[-1]}
        twilio.behavior = fails(21211)
        shown.append(request_otp(service, has_none))
        assert all({**each, "request_id": ""} == {**shown[0], "request_id": ""} for each in shown)
        assert '"whatsapp_sends_nothing"' not in service.log
        meta.errors = {paused[1:]: 132015}
        request_otp(service, paused)
        service.wait_until_logged("whatsapp_sends_nothing")
        ready = httpx.get(f"{service.url}/health/ready", **PLAIN_HTTP)
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert "132015" in ready.json()["whatsapp"]
        service.stop()
    assert service.log.count('"otp_fell_back"') == len(limited) + 2
    assert service.log.count('"otp_request_rejected"') == 2


def test_the_older_app_and_a_recognized_device_get_codes_by_whatsapp(
    tmp_path: Path,
    twilio: FakeTwilio,
    meta: FakeWhatsApp,
    environ: dict[str, str],
    phone: str,
    other_phone: str,
) -> None:
    meta.errors = {other_phone[1:]: UNDELIVERABLE}

    def inbox(number: str) -> list[str]:
        texts = [form["Body"] for form in twilio.messages if form["To"] == number]
        return [*codes_by_whatsapp(meta, number), *texts]

    def post(path: str, **body: str) -> dict[str, object]:
        response = httpx.post(f"{service.url}{path}", json=body, timeout=30, **PLAIN_HTTP)
        answer: dict[str, object] = response.json()
        return answer

    with running(tmp_path, environ, inbox) as service:
        for number in (phone, other_phone):
            requested = post("/authenticate/get_otp", phone=number)
            assert requested == {"message": "success", "exit_code": 0}
            otp = service.code(number)
            assert post("/authenticate/validate_otp", phone=number, otp=otp)["exit_code"] == 0
        assert (len(meta.sent), len(twilio.messages)) == (1, 1)

        request_otp(service, phone)
        verified = post("/auth/verify-otp", phone=phone, otp=service.messages(phone)[-1])
        token = str(verified["device_token"])
        request_otp(service, phone, device_token=token)
        report(service, meta, "failed", 131000)
        service.wait_for(lambda: len(twilio.messages) == 2)
        otp = service.messages(phone)[-1]
        verified = post("/auth/verify-otp", phone=phone, otp=otp, device_token=token)
        assert (verified["success"], verified["device_token"]) == (True, token)


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


def test_a_failure_that_two_instances_learn_at_once_sends_one_sms(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    twilio: FakeTwilio,
    meta: FakeWhatsApp,
    environ: dict[str, str],
    phone: str,
) -> None:
    environ |= on_postgres(request)
    with running(tmp_path, environ) as first, running(tmp_path, environ) as second:
        request_otp(first, phone)
        with ThreadPoolExecutor(8) as threads:
            posts = [
                threads.submit(report, instance, meta, "failed", UNDELIVERABLE)
                for instance in (first, second) * 4
            ]
        for post in posts:
            post.result()
        for instance in (first, second):
            instance.stop()

    assert [form["To"] for form in twilio.messages] == [phone]
    assert (first.log + second.log).count('"otp_fell_back"') == 1
