"""The service conforms to its OpenAPI description."""

import secrets
from typing import Any, Final

import jwt
import pytest
from hypothesis import settings
from schemathesis.engine import Status

from tests.e2e.description.conformance import assert_conforms, load_schema
from tests.e2e.description.people import People
from tests.e2e.description.run import run_schemathesis
from tests.support.core_harness import wrong_code
from tests.support.service import REASON

FIXED_SEED: Final = 1
PHASES: Final = {"examples", "coverage", "fuzzing", "stateful"}
# They succeed only with the code of a message, as in the tests below, or for administrators, as in
# tests/integration/entrypoints/http/administration.py.
ADMIN_ACTIONS: Final = {
    "search", "reset-limits", "send-code", "sign-out", "block", "unblock", "promote", "demote",
    "export", "delete", "restore",
}  # fmt: skip
NEVER_SUCCESSFUL: Final = {
    "POST /authenticate/validate_otp", "POST /auth/refresh", "DELETE /auth/sessions/{session_id}",
    "POST /users/me/phone", "POST /users/me/phone/disown", "POST /auth/undo-phone-change",
    "GET /calls/{call_id}/recording", "GET /admin/audit",
    "GET /admin/statistics", "GET /admin/users", "GET /admin/blocks", "POST /admin/blocks",
    "POST /admin/blocks/{block_id}/end",
    "GET /admin/users/{user_id}", "PATCH /admin/users/{user_id}",
    "POST /admin/users/{user_id}/change-phone",
    *(f"{method} /admin/users/{{user_id}}/{name}"
      for method in ("GET", "PUT") for name in ("app-data", "claims")),
    *(f"POST /admin/users/{action}" for action in ADMIN_ACTIONS),
    "GET /admin/library", "GET /admin/library/{item_id}", "GET /admin/library/{item_id}/file",
    *(f"POST /admin/library/{{item_id}}/{action}" for action in ("hide", "unhide", "delete")),
}  # fmt: skip


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Fixed in `make test`, random in `make test-long`, unless given on the command line."""
    given = request.config.getoption("--hypothesis-seed")
    if given and given != "random":
        return int(given)
    return FIXED_SEED if settings().derandomize else secrets.randbelow(2**32)


# It sends hundreds of requests. The timeout only ends a run that hangs.
@pytest.mark.timeout(3000)
@pytest.mark.hypothesis
def test_generated_requests_get_documented_responses(
    people: People, document: dict[str, Any], seed: int
) -> None:
    report = run_schemathesis(people, document, seed)
    assert not report.findings, str(report)
    # The following can fail only if the run covered less than it should.
    assert {name: report.phases[name] for name in PHASES} == dict.fromkeys(PHASES, Status.SUCCESS)
    operations = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    successful = {label for label, statuses in report.statuses.items() if min(statuses) < 300}
    assert operations - successful == NEVER_SUCCESSFUL


def test_a_sign_in_by_the_legacy_api_gets_documented_responses(
    people: People, document: dict[str, Any]
) -> None:
    schema = load_schema(document, people.service.url)
    phone, headers = people.next_phone(), people.next_ip()

    def call(path: str, **body: str) -> Any:
        response = people.http.post(path, json={"phone": phone, **body}, headers=headers)
        assert_conforms(schema, "POST", path, response)
        assert response.status_code == 200
        return response.json()

    call("/authenticate/get_otp")
    code = people.service.code(phone)
    for _ in range(2):
        verified = call("/authenticate/validate_otp", otp=code)
        assert verified["access_token"]
        assert "refresh_token" not in verified


def test_the_life_of_a_session_gets_documented_responses(
    people: People, document: dict[str, Any]
) -> None:
    schema = load_schema(document, people.service.url)
    phone, client_ip = people.next_phone(), people.next_ip()

    def call(method: str, path: str, token: str = "", **content: Any) -> Any:
        headers = {**client_ip, **({"Authorization": f"Bearer {token}"} if token else {})}
        response = people.http.request(method, path, headers=headers, **content)
        operation = "/auth/sessions/{session_id}" if path.startswith("/auth/sessions/") else path
        assert_conforms(schema, method, operation, response)
        assert response.is_success, response.text
        return response.json() if response.content else None

    call("POST", "/auth/request-otp", json={"phone": phone})
    body = {"phone": phone, "otp": people.service.code(phone), "refresh": True}
    first = call("POST", "/auth/verify-otp", json=body)
    second = call("POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]})
    token = second["access_token"]
    jwks = jwt.PyJWKSet.from_dict(call("GET", "/.well-known/jwks.json"))
    key = jwks[jwt.get_unverified_header(token)["kid"]]
    metadata = call("GET", "/.well-known/oauth-authorization-server")
    assert metadata == call("GET", "/.well-known/openid-configuration")
    assert metadata["jwks_uri"] == f"{people.service.url}/.well-known/jwks.json"
    issuer = metadata["issuer"]
    assert jwt.decode(token, key, ["ES256"], audience="dialtone", issuer=issuer)
    [session] = call("GET", "/auth/sessions", token)["sessions"]
    call("DELETE", f"/auth/sessions/{session['id']}", token)
    call("POST", "/auth/logout", json={"refresh_token": second["refresh_token"]})


def test_a_change_of_the_number_and_its_undo_get_documented_responses(
    people: People, document: dict[str, Any]
) -> None:
    schema = load_schema(document, people.service.url)
    person, new_phone, client_ip = people.add_person(), people.next_phone(), people.next_ip()
    user = {**client_ip, "Authorization": f"Bearer {person.token}"}

    def call(path: str, status: int, headers: dict[str, str], **body: str) -> Any:
        response = people.http.post(path, json=body, headers=headers)
        assert_conforms(schema, "POST", path, response)
        assert response.status_code == status, response.text
        return response.json()

    def request_code(path: str, phone: str, headers: dict[str, str]) -> dict[str, str]:
        # The cooldown of the latest message is over.
        assert people.service.run("user", "reset-limits", phone, *REASON).returncode == 0
        earlier = len(people.service.messages(phone))
        requested = call(path, 200, headers, phone=phone)
        code = people.service.code(phone, earlier + 1)
        return {"phone": phone, "otp": code, "request_id": requested["request_id"]}

    change = request_code("/users/me/phone/request-otp", new_phone, user)
    wrong = {**change, "otp": wrong_code(change["otp"])}
    call("/users/me/phone", 403, user, **wrong)
    assert call("/users/me/phone", 200, user, **change)["number"] == new_phone
    sign_in = request_code("/auth/request-otp", person.phone, client_ip)
    call("/auth/verify-otp", 409, client_ip, **sign_in)
    undo = request_code("/auth/undo-phone-change/request-otp", person.phone, client_ip)
    call("/auth/undo-phone-change", 403, client_ip, **{**undo, "otp": wrong_code(undo["otp"])})
    call("/auth/undo-phone-change", 200, client_ip, **undo)
