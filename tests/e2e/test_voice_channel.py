"""Sign-in with a code that is read in a call: `"channel": "voice"`."""

import pytest

from tests.e2e.phone_line import PUBLIC_URL, PhoneLine, spoken_digits
from tests.support.servers import behaviors
from tests.support.servers.fake_twilio import rejects
from tests.support.servers.http_server import Behavior


def request_call(line: PhoneLine, phone: str, **fields: str) -> dict[str, object]:
    body = {"phone": phone, "channel": "voice", **fields}
    response = line.http.post("/auth/request-otp", json=body)
    assert response.status_code == 200, response.text
    content: dict[str, object] = response.json()
    return content


def count_call_requests(line: PhoneLine, phone: str) -> int:
    return sum(request.form.get("To") == phone for request in line.twilio.calls)


def test_a_user_signs_in_with_a_code_from_a_call(line: PhoneLine, phone: str) -> None:
    requested = request_call(line, phone)

    assert (requested["message"], requested["sent"]) == ("OTP sent", True)
    assert line.messages(phone) == []
    (placed,) = line.callbacks(phone)
    assert placed.form["Url"].startswith(f"{PUBLIC_URL}/voice/calls/")
    assert placed.form["StatusCallback"].startswith(f"{PUBLIC_URL}/voice/status?call=")
    assert int(placed.form["Timeout"]) > 0
    assert placed.form.keys().isdisjoint({"Twiml", "MachineDetection"})
    code = line.hear_code(phone)
    verified = line.verify(phone, code, request_id=requested["request_id"])
    assert verified["success"] is True
    assert line.verify(phone, code)["success"] is False


def test_the_code_is_read_in_the_language_of_the_country(line: PhoneLine, phone: str) -> None:
    indian_phone = f"+91987651{phone[-4:]}"
    request_call(line, indian_phone)

    call = line.receive(indian_phone)
    call.answer()

    assert "Dialtone की कॉल है" in call.heard[0]


def test_a_request_may_name_the_language_of_the_call(line: PhoneLine, phone: str) -> None:
    request_call(line, phone, locale="es_ES")

    call = line.receive(phone)
    call.answer()
    call.press("1")

    assert call.heard[0].startswith("Esto es Dialtone, con la clave de acceso")
    assert "Otra vez, su clave es" in call.heard


def test_a_voicemail_records_no_code(line: PhoneLine, phone: str) -> None:
    requested = request_call(line, phone)
    call = line.receive(phone)
    call.answer()

    call.stay_silent()

    assert (spoken_digits(call), call.waits_for) == ([], None)
    status = line.http.get(f"/auth/requests/{requested['request_id']}").json()
    assert status["status"] == "undelivered"


def test_a_call_within_the_cooldown_of_a_message_is_not_placed(line: PhoneLine, phone: str) -> None:
    line.http.post("/auth/request-otp", json={"phone": phone})

    assert request_call(line, phone)["sent"] is False
    assert line.callbacks(phone) == []


@pytest.mark.parametrize(
    ("behavior", "status"),
    [
        (behaviors.close_connection, 200),
        (behaviors.respond_with(504), 200),
        (rejects(20500), 503),
        (behaviors.close_before_body, None),
    ],
    ids=["no response", "gateway timeout", "error", "broken off"],
)
def test_a_call_is_placed_at_most_once(
    line: PhoneLine, phone: str, behavior: Behavior, status: int | None
) -> None:
    line.twilio.behavior = behavior
    try:
        response = line.http.post("/auth/request-otp", json={"phone": phone, "channel": "voice"})
    finally:
        line.twilio.behavior = line.twilio.respond

    assert status is None or response.status_code == status, response.text
    assert count_call_requests(line, phone) <= 1
    assert line.messages(phone) == []


@pytest.mark.parametrize(
    ("number", "status"), [("+15005550001", 400), ("+15005550003", 503)], ids=["invalid", "region"]
)
def test_a_number_that_twilio_rejects(line: PhoneLine, number: str, status: int) -> None:
    response = line.http.post("/auth/request-otp", json={"phone": number, "channel": "voice"})

    assert response.status_code in (status, 400), response.text
    assert count_call_requests(line, number) <= 1


def test_the_call_of_a_login_belongs_to_its_user(line: PhoneLine, phone: str) -> None:
    requested = request_call(line, phone)
    code = line.hear_code(phone)
    token = line.verify(phone, code, request_id=requested["request_id"])["access_token"]

    (entry,) = line.log(token)

    assert (entry["direction"], entry["outcome"]) == ("outbound", "code_read")
    assert (entry["status"], entry["caller_verified"]) == ("completed", True)
