"""What became of a message: signed callbacks, and `GET /auth/requests/{request_id}`."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.phone_line import PhoneLine
from tests.support.servers.fake_twilio import Created
from tests.support.servers.http_server import Exchange


def request_message(line: PhoneLine, phone: str) -> tuple[str, Created]:
    """Request a code; return the request id and the message."""
    requested = line.http.post("/auth/request-otp", json={"phone": phone}).json()
    messages = [message for message in line.twilio.sent if message.form["To"] == phone]
    return requested["request_id"], messages[-1]


def status(line: PhoneLine, request_id: str) -> dict[str, Any]:
    response = line.http.get(f"/auth/requests/{request_id}")
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


def report(line: PhoneLine, message: Created, *statuses: str, error_code: str = "") -> None:
    for each in statuses:
        response = line.twilio.report_message(message, each, line.webhooks, error_code)
        assert (response.status, response.text) == (204, "")


def test_a_message_is_queued_sent_and_delivered(line: PhoneLine, phone: str) -> None:
    request_id, message = request_message(line, phone)
    seen = [status(line, request_id)["status"]]

    for each in ("queued", "sending", "sent", "delivered"):
        report(line, message, each)
        seen.append(status(line, request_id)["status"])

    assert seen == ["queued", "queued", "queued", "sent", "delivered"]


@pytest.mark.parametrize("final", ["undelivered", "failed"])
def test_a_failure_has_twilios_code(line: PhoneLine, phone: str, final: str) -> None:
    request_id, message = request_message(line, phone)

    report(line, message, "sent")
    report(line, message, final, error_code="30003")

    shown = status(line, request_id)
    assert shown["status"] == final
    assert "30003" in map(str, shown.values())


@pytest.mark.parametrize("final", ["delivered", "undelivered", "failed"])
def test_a_status_never_goes_back(line: PhoneLine, phone: str, final: str) -> None:
    request_id, message = request_message(line, phone)
    report(line, message, final)

    report(line, message, "queued", "sent", "delivered", "undelivered", "failed", "made-up")

    assert status(line, request_id)["status"] == final


def test_a_status_may_arrive_before_our_request_returns(line: PhoneLine, phone: str) -> None:
    reported: list[int] = []

    def report_first(exchange: Exchange) -> None:
        fields = [(name, values[0]) for name, values in parse_qs(exchange.body.decode()).items()]
        message = Created("SM" + "0" * 32, fields)
        reported.append(line.twilio.report_message(message, "sent", line.webhooks).status)
        line.twilio.respond(exchange)

    line.twilio.behavior = report_first
    try:
        request_id, _ = request_message(line, phone)
    finally:
        line.twilio.behavior = line.twilio.respond

    assert reported == [204]
    assert status(line, request_id)["status"] == "sent"


def test_the_callback_carries_a_delivery_id_and_not_the_request_id(
    line: PhoneLine, phone: str
) -> None:
    request_id, message = request_message(line, phone)

    (delivery_id,) = parse_qs(urlsplit(message.form["StatusCallback"]).query)["delivery"]

    assert delivery_id != request_id
    # Twilio's logs have the URL. It neither signs in nor counts as a request id.
    assert status(line, delivery_id)["status"] == "queued"
    again = line.http.post("/auth/request-otp", json={"phone": phone}).json()
    report(line, message, "delivered")
    shown = {status(line, each)["status"] for each in (request_id, again["request_id"])}
    assert shown == {"delivered"}


def test_an_unknown_id_looks_like_one_that_is_queued(line: PhoneLine, phone: str) -> None:
    request_id, _ = request_message(line, phone)
    queued = status(line, request_id)

    unknown = ["0" * len(request_id), "f" * len(request_id), "nonsense"]

    assert [status(line, each) for each in unknown] == [queued] * 3


def test_an_unsigned_status_is_rejected(line: PhoneLine, phone: str) -> None:
    request_id, message = request_message(line, phone)
    path = message.form["StatusCallback"].removeprefix("https://phone.example.org/line")

    response = line.http.post(path, data={"MessageStatus": "delivered"})

    assert (response.status_code, response.content) == (403, b"")
    assert status(line, request_id)["status"] == "queued"


def test_the_status_of_a_call_is_that_of_its_delivery(line: PhoneLine, phone: str) -> None:
    body = {"phone": phone, "channel": "voice"}
    request_id = line.http.post("/auth/request-otp", json=body).json()["request_id"]
    seen = [status(line, request_id)["status"]]

    call = line.receive(phone)
    seen.append(status(line, request_id)["status"])
    call.answer()
    seen.append(status(line, request_id)["status"])
    call.press("1")
    seen.append(status(line, request_id)["status"])

    assert seen == ["queued", "sent", "sent", "delivered"]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("busy", "undelivered"),
        ("no-answer", "undelivered"),
        ("failed", "failed"),
        ("canceled", "failed"),
    ],
)
def test_a_call_that_nobody_answers(line: PhoneLine, phone: str, end: str, expected: str) -> None:
    body = {"phone": phone, "channel": "voice"}
    request_id = line.http.post("/auth/request-otp", json=body).json()["request_id"]

    line.receive(phone).end_unanswered(end)

    assert status(line, request_id)["status"] == expected
