"""No response reveals whether a number is known or blocked: responses are equal byte for byte."""

import re
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from application.ports.otp import DeliveryResult
from domain.phone import PhoneNumber
from tests.stateful.http_driver import HttpDriver, HttpRequest, open_http_driver
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.messenger import ACCEPTED, REJECTED, UNKNOWN
from tests.unit.domain.otp.verification_driver import HOME_IP, unknown_ip

TWO_DAYS: Final = 2 * 24 * 3600
OWNER_IP: Final = unknown_ip(99)
MAIN_API: Final = ("/auth/request-otp", "/auth/verify-otp")
LEGACY_API: Final = ("/authenticate/get_otp", "/authenticate/validate_otp")
APIS: Final = pytest.mark.parametrize("api", [MAIN_API, LEGACY_API], ids=["main", "legacy"])
KINDS: Final = {
    "unknown": set[str](),
    "known": {"known"},
    "user": {"known", "user"},
    "blocked": {"blocked"},
    "known and blocked": {"known", "blocked"},
    "user and blocked": {"known", "user", "blocked"},
}
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}")

Comparable = tuple[int, list[tuple[str, str]], str]
"""Status, headers and body of a response, without the ids that are new in each response."""
Api = tuple[str, str]
"""The paths of both steps."""


@pytest.fixture
def http() -> Iterator[HttpDriver]:
    with open_http_driver(InMemoryDatabase().open_database) as driver:
        yield driver


def request_otp(
    http: HttpDriver, phone: PhoneNumber, client_ip: str, api: Api = MAIN_API
) -> httpx.Response:
    return http.send(HttpRequest("POST", api[0], {"phone": phone.e164}, None, client_ip))


def verify_otp(
    http: HttpDriver,
    phone: PhoneNumber,
    client_ip: str,
    code: str,
    api: Api = MAIN_API,
    **fields: str,
) -> httpx.Response:
    body = {"phone": phone.e164, "otp": code, **fields}
    return http.send(HttpRequest("POST", api[1], body, None, client_ip))


def to_comparable(response: httpx.Response) -> Comparable:
    headers = [
        (name, "id" if name == "x-request-id" else value)
        for name, value in response.headers.multi_items()
    ]
    return response.status_code, headers, _REQUEST_ID.sub("id", response.text)


def log_in(http: HttpDriver, phone: PhoneNumber) -> str:
    """Log in and return the token."""
    assert request_otp(http, phone, OWNER_IP).status_code == 200
    code = http.messenger.messages[-1].code
    token: str = verify_otp(http, phone, OWNER_IP, code).json()["access_token"]
    return token


def block(http: HttpDriver, phone: PhoneNumber) -> None:
    http.run(http.use_cases.identities.operator_actions.block(phone))


def create_user(http: HttpDriver, phone: PhoneNumber, token: str) -> str:
    body = {"username": f"User {phone.e164}", "number": phone.e164}
    response = http.send(HttpRequest("POST", "/users", body, token))
    assert response.status_code == 201
    user_id: str = response.json()["user_id"]
    return user_id


def phones_of_each_kind(http: HttpDriver) -> dict[str, PhoneNumber]:
    """Return a phone of each kind, two days after its last request."""
    phones = {kind: http.new_phone() for kind in KINDS}
    for kind, phone in phones.items():
        if "known" in KINDS[kind]:
            token = log_in(http, phone)
            if "user" in KINDS[kind]:
                create_user(http, phone, token)
        if "blocked" in KINDS[kind]:
            block(http, phone)
    http.wait(TWO_DAYS)
    return phones


def responses_of_two_clients(http: HttpDriver, api: Api, phone: PhoneNumber) -> list[Comparable]:
    """Send requests and wrong codes from two IPs until they are rejected, and again later."""
    responses: list[Comparable] = []
    for pause in (0, 290):
        http.wait(pause)
        for client_ip in (HOME_IP, unknown_ip(1)):
            requested = [request_otp(http, phone, client_ip, api) for _ in range(2)]
            wrong_codes = ["000000", *(f"{code:06d}" for code in range(6))]
            verified = [verify_otp(http, phone, client_ip, code, api) for code in wrong_codes]
            fields = {"request_id": "unknown"} if api == MAIN_API else {}
            verified.append(verify_otp(http, phone, client_ip, "000000", api, **fields))
            responses += [to_comparable(response) for response in requested + verified]
    http.wait(-290)
    return responses


@APIS
@pytest.mark.parametrize("result", [ACCEPTED, REJECTED, UNKNOWN], ids=lambda result: result.status)
def test_requests_and_wrong_codes_get_the_same_responses_for_any_phone(
    http: HttpDriver, api: Api, result: DeliveryResult
) -> None:
    phones = phones_of_each_kind(http)
    # The first request with this result is that of another phone.
    http.messenger.result = result
    request_otp(http, http.new_phone(), OWNER_IP)

    responses = {kind: responses_of_two_clients(http, api, phone) for kind, phone in phones.items()}

    for kind in KINDS:
        assert responses[kind] == responses["unknown"], kind
    assert (responses["unknown"][0][0] == 200) == (result != REJECTED)
    assert 429 in {status for status, _, _ in responses["unknown"]}


@APIS
def test_a_correct_code_of_a_blocked_phone_gets_the_response_of_a_wrong_one(
    http: HttpDriver, api: Api
) -> None:
    responses: list[list[Comparable]] = []
    for is_correct in (True, False):
        phone = http.new_phone()
        request_otp(http, phone, HOME_IP, api)
        code = http.messenger.messages[-1].code
        block(http, phone)
        if not is_correct:
            code = f"{(int(code) + 1) % 10**6:06d}"
        responses.append([])
        for _ in range(6):
            responses[-1].append(to_comparable(verify_otp(http, phone, HOME_IP, code, api)))
            http.wait(10)

    assert responses[0] == responses[1]


def test_creating_a_user_with_another_phone_fails_alike_for_any_phone(http: HttpDriver) -> None:
    phones = phones_of_each_kind(http)
    token = log_in(http, http.new_phone())

    responses = {
        kind: to_comparable(
            http.send(
                HttpRequest("POST", "/users", {"username": "Mallory", "number": phone.e164}, token)
            )
        )
        for kind, phone in phones.items()
    }

    assert set(map(repr, responses.values())) == {repr(responses["unknown"])}
    assert responses["unknown"][0] == 403


def test_an_identity_without_a_user_looks_like_an_unknown_id(http: HttpDriver) -> None:
    owner_token = log_in(http, http.new_phone())
    identity_id = http.run(http.use_cases.identities.authenticate(owner_token)).identity.id
    token = log_in(http, http.new_phone())

    known, unknown = (
        to_comparable(http.send(HttpRequest("GET", f"/users/{user_id}", token=token)))
        for user_id in (identity_id, "0" * 24)
    )

    assert known == unknown
    assert known[0] == 404


def test_others_see_no_difference_when_a_user_is_blocked(http: HttpDriver) -> None:
    phone = http.new_phone()
    user_id = create_user(http, phone, log_in(http, phone))
    token = log_in(http, http.new_phone())
    request = HttpRequest("GET", f"/users/{user_id}", token=token)
    before = to_comparable(http.send(request))

    block(http, phone)

    assert to_comparable(http.send(request)) == before
