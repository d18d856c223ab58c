"""Codes in calls: `"channel": "voice"`, callbacks, and what became of calls and messages."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.phone_line import PUBLIC_URL, PhoneLine, spoken_digits
from tests.support.servers import http_server
from tests.support.servers.fake_twilio import Created, rejects
from tests.support.servers.http_server import Behavior, Exchange


def request_otp(line: PhoneLine, phone: str, **fields: str) -> str:
    """Request a code that is delivered; return the request id."""
    response = line.http.post("/auth/request-otp", json={"phone": phone, **fields})
    assert response.json().get("sent") is True, response.text
    request_id: str = response.json()["request_id"]
    return request_id


def status(line: PhoneLine, request_id: str) -> str:
    response = line.http.get(f"/auth/requests/{request_id}")
    assert response.status_code == 200, response.text
    text: str = response.json()["status"]
    return text


def message_to(line: PhoneLine, phone: str) -> Created:
    return next(message for message in line.twilio.sent if message.form["To"] == phone)


def test_a_user_signs_in_with_a_code_from_a_call(line: PhoneLine, phone: str) -> None:
    request_id = request_otp(line, phone, channel="voice", locale="es_ES")
    assert line.messages(phone) == []
    (placed,) = line.callbacks(phone)
    assert placed.form["Url"].startswith(f"{PUBLIC_URL}/voice/calls/")
    assert placed.form["StatusCallback"].startswith(f"{PUBLIC_URL}/voice/status?call=")
    seen = [status(line, request_id)]

    call = line.receive(phone)
    seen.append(status(line, request_id))
    call.answer()
    assert call.heard[0].startswith("Esto es Dialtone, con la clave de acceso")
    call.press("1")
    seen.append(status(line, request_id))

    assert seen == ["queued", "sent", "delivered"]
    code = "".join(text for text in call.heard if len(text) == 1)[:6]
    token = line.verify(phone, code, request_id=request_id)["access_token"]
    assert line.verify(phone, code)["success"] is False
    (entry,) = line.log(token)
    assert (entry["direction"], entry["outcome"]) == ("outbound", "code_read")
    assert (entry["status"], entry["caller_verified"]) == ("completed", True)


def test_a_voicemail_records_no_code(line: PhoneLine, phone: str) -> None:
    request_id = request_otp(line, phone, channel="voice")
    call = line.receive(phone)
    call.answer()

    call.press("")

    assert (spoken_digits(call), call.waits_for) == ([], None)
    assert status(line, request_id) == "undelivered"
    assert line.log_entry(call)["outcome"] == "code_not_read"


def test_a_call_that_nobody_answers_is_undelivered_and_in_the_log(
    line: PhoneLine, phone: str
) -> None:
    request_id = request_otp(line, phone, channel="voice")
    call = line.receive(phone)

    call.hang_up("no-answer", 0)

    assert status(line, request_id) == "undelivered"
    entry = line.log_entry(call)
    assert (entry["direction"], entry["status"]) == ("outbound", "no-answer")
    # A status never goes back.
    url, fields = call.requests[-1]
    late = {**dict(fields), "CallStatus": "in-progress"}
    assert line.twilio.post(url, list(late.items())).status_code in (200, 204)
    assert line.log_entry(call) == entry


@pytest.mark.parametrize(
    ("behavior", "status"),
    [
        (http_server.close_connection, 200),
        (http_server.respond_with(504), 200),
        (rejects(20500), 503),
        (rejects(21211), 400),
    ],
    ids=["no response", "gateway timeout", "error", "invalid number"],
)
def test_a_call_is_placed_at_most_once(
    line: PhoneLine, phone: str, behavior: Behavior, status: int
) -> None:
    line.twilio.behavior = behavior
    try:
        response = line.http.post("/auth/request-otp", json={"phone": phone, "channel": "voice"})
    finally:
        line.twilio.behavior = line.twilio.respond

    assert response.status_code == status, response.text
    assert sum(request.form.get("To") == phone for request in line.twilio.requests) <= 1
    assert line.messages(phone) == []


def test_a_callback_uses_none_of_the_apps_deliveries_and_attempts(
    line: PhoneLine, phone: str
) -> None:
    line.join(phone)
    line.call(phone, "2")
    spoken = line.hear_code(phone)

    fields = {"request_id": request_otp(line, phone)}

    sent = line.messages(phone)[-1]
    for left in (4, 3):
        wrong = line.verify(phone, f"00000{left}", **fields)
        assert wrong["attempts_left"] == left
    # Both codes work side by side, and both APIs accept them.
    body = {"phone": phone, "otp": spoken}
    legacy = line.http.post("/authenticate/validate_otp", json=body)
    assert (legacy.status_code, legacy.json()["message"]) == (200, "success")
    code = next(word.strip(".") for word in sent.split() if word.strip(".").isdigit())
    assert line.verify(phone, code, **fields)["success"] is True


def test_a_message_is_queued_sent_and_delivered(line: PhoneLine, phone: str) -> None:
    request_id = request_otp(line, phone)
    message = message_to(line, phone)
    seen = [status(line, request_id)]

    for each in ("queued", "sending", "sent", "delivered", "queued", "failed"):
        response = line.twilio.report_message(message, each)
        assert (response.status_code, response.text) == (204, "")
        seen.append(status(line, request_id))

    assert seen == ["queued", "queued", "queued", "sent", *["delivered"] * 3]


def test_a_status_may_arrive_before_our_request_returns(line: PhoneLine, phone: str) -> None:
    reported: list[int] = []

    def report_first(exchange: Exchange) -> None:
        message = Created("SM" + "0" * 32, exchange.received.fields)
        response = line.twilio.report_message(message, "undelivered", "30003")
        reported.append(response.status_code)
        line.twilio.respond(exchange)

    line.twilio.behavior = report_first
    try:
        request_id = request_otp(line, phone)
    finally:
        line.twilio.behavior = line.twilio.respond

    assert reported == [204]
    shown = line.http.get(f"/auth/requests/{request_id}").json()
    assert shown["status"] == "undelivered"
    assert "30003" in map(str, shown.values())


def test_only_a_request_id_shows_a_status(line: PhoneLine, phone: str) -> None:
    request_id = request_otp(line, phone)
    message = message_to(line, phone)
    url = urlsplit(message.form["StatusCallback"])
    (delivery_id,) = parse_qs(url.query)["delivery"]
    path = f"{url.path.removeprefix(urlsplit(PUBLIC_URL).path)}?{url.query}"

    unsigned = line.http.post(path, data={"MessageStatus": "delivered"})
    assert (unsigned.status_code, unsigned.content) == (403, b"")
    assert status(line, request_id) == "queued"
    line.report_messages(phone, "delivered")

    assert status(line, request_id) == "delivered"
    # Twilio's logs have the URL; its id looks like one that is queued, as an unknown id does.
    assert {status(line, each) for each in (delivery_id, "0" * 64, "nonsense")} == {"queued"}
