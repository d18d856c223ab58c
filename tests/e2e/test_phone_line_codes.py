"""Codes in calls: `"channel": "voice"`, and what became of the call."""

from tests.e2e.phone_line import PUBLIC_URL, PhoneLine


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
