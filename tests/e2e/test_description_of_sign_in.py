"""Who signs in is answered as described: the answers that only the right code brings."""

from typing import Any

import pytest

from tests.e2e.description.callers import Callers
from tests.e2e.description.conformance import conforms, described


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        ("/auth/request-otp", "/auth/verify-otp"),
        ("/authenticate/get_otp", "/authenticate/validate_otp"),
    ],
)
def test_a_code_and_the_same_code_again_are_answered_as_described(
    callers: Callers, document: dict[str, Any], ask: str, answer: str
) -> None:
    schema = described(document, callers.service.url)
    phone, address = callers.next_phone(), callers.next_address()
    asked = callers.http.post(ask, json={"phone": phone}, headers=address)
    assert asked.status_code == 200
    conforms(schema, "POST", ask, asked)
    code = {"phone": phone, "otp": callers.service.code(phone)}
    for is_right in (True, False):
        answered = callers.http.post(answer, json=code, headers=address)
        conforms(schema, "POST", answer, answered)
        assert ("access_token" in answered.json()) is is_right


def test_sessions_are_kept_shown_and_ended_as_described(
    callers: Callers, document: dict[str, Any]
) -> None:
    schema = described(document, callers.service.url)
    phone, address = callers.next_phone(), callers.next_address()

    def call(method: str, path: str, shown: str = "", **content: Any) -> Any:
        headers = {**address, **({"Authorization": f"Bearer {shown}"} if shown else {})}
        answer = callers.http.request(method, path, headers=headers, **content)
        operation = "/auth/sessions/{session_id}" if path.startswith("/auth/sessions/") else path
        conforms(schema, method, operation, answer)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    call("POST", "/auth/request-otp", json={"phone": phone})
    answer = {"phone": phone, "otp": callers.service.code(phone), "refresh": True}
    first = call("POST", "/auth/verify-otp", json=answer)
    second = call("POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]})
    token = second["access_token"]
    [session] = call("GET", "/auth/sessions", token)["sessions"]
    call("DELETE", f"/auth/sessions/{session['id']}", token)
    call("POST", "/auth/logout", json={"refresh_token": second["refresh_token"]})
