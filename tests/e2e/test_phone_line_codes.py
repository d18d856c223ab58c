"""A known caller asks for a sign-in code and is called back."""

import pytest

from tests.e2e.phone_line import CALLBACK, PhoneLine, spoken_digits

INVALID = {"success": False, "message": "Invalid OTP"}


def request_callback(line: PhoneLine, phone: str) -> None:
    line.join(phone)
    call = line.call(phone, "2")
    assert (call.heard[-1], call.status) == (CALLBACK, "completed")
    assert spoken_digits(call) == []
    assert len(line.callbacks(phone)) == 1


def test_a_known_caller_is_called_back_and_signs_in(line: PhoneLine, phone: str) -> None:
    request_callback(line, phone)
    placed = line.callbacks(phone)[0].form
    assert placed.keys() >= {"Url", "StatusCallback", "Timeout"}
    assert placed.keys().isdisjoint({"Twiml", "MachineDetection"})

    call = line.receive(phone)
    call.answer()
    assert "press any key" in call.heard[-1]
    assert "Dialtone" in call.heard[-1]
    assert spoken_digits(call) == []
    call.press("1")

    digits = [text for text in call.heard if len(text) == 1]
    code = "".join(digits[:6])
    assert digits == [*code, *code]
    assert call.status == "completed"
    assert line.messages(phone) == []
    assert line.verify(phone, code)["success"] is True
    assert line.verify(phone, code).items() >= INVALID.items()


def test_the_legacy_api_accepts_the_code(line: PhoneLine, phone: str) -> None:
    request_callback(line, phone)
    code = line.hear_code(phone)

    body = {"phone": phone, "otp": code}
    response = line.http.post("/authenticate/validate_otp", json=body)

    assert (response.status_code, response.json()["message"]) == (200, "success")


def test_a_voicemail_hears_no_code(line: PhoneLine, phone: str) -> None:
    request_callback(line, phone)
    call = line.receive(phone)
    call.answer()
    greeting = list(call.heard)

    call.stay_silent()

    assert (call.heard, call.waits_for, call.status) == (greeting, None, "completed")
    assert spoken_digits(call) == []
    assert line.log_entry(call)["outcome"] == "code_not_read"


def test_who_hangs_up_before_a_key_hears_no_code(line: PhoneLine, phone: str) -> None:
    request_callback(line, phone)
    call = line.receive(phone)
    call.answer()

    call.hang_up()

    entry = line.log_entry(call)
    assert (entry["status"], entry["outcome"]) == ("completed", None)
    assert spoken_digits(call) == []


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_a_callback_that_nobody_answers_is_in_the_log(
    line: PhoneLine, phone: str, status: str
) -> None:
    request_callback(line, phone)
    call = line.receive(phone)

    call.end_unanswered(status)

    entry = line.log_entry(call)
    assert (entry["direction"], entry["status"]) == ("outbound", status)


def test_the_url_of_a_callback_reads_no_code_in_another_call(line: PhoneLine, phone: str) -> None:
    request_callback(line, phone)
    url = line.callbacks(phone)[0].form["Url"]
    attacker = line.pick_up("+14155551999")

    response = attacker.post(url)
    assert response.status == 200
    assert "<Gather" not in response.text
    assert line.hear_code(phone)


def test_five_wrong_codes_end_the_code_of_a_callback(line: PhoneLine, phone: str) -> None:
    request_callback(line, phone)
    code = line.hear_code(phone)
    wrong = [f"{(int(code) + number) % 1_000_000:06d}" for number in range(1, 6)]

    responses = [line.verify(phone, text) for text in wrong]

    assert [response["attempts_left"] for response in responses] == [4, 3, 2, 1, 0]
    assert line.verify(phone, code).get("success") is not True


def test_a_callback_uses_none_of_the_apps_deliveries_and_attempts(
    line: PhoneLine, phone: str
) -> None:
    request_callback(line, phone)
    spoken = line.hear_code(phone)

    requested = line.http.post("/auth/request-otp", json={"phone": phone}).json()

    assert requested["sent"] is True
    sent = line.messages(phone)[-1]
    fields = {"request_id": requested["request_id"]}
    for left in (4, 3):
        wrong = line.verify(phone, f"00000{left}", **fields)
        assert wrong["attempts_left"] == left
    # Both codes work side by side.
    assert line.verify(phone, spoken)["success"] is True
    code = next(word.strip(".") for word in sent.split() if word.strip(".").isdigit())
    assert line.verify(phone, code, **fields)["success"] is True
