"""No response reveals whether a number is known or blocked: responses are equal byte for byte."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import pytest

from application.ports.messenger import DeliveryResult
from domain.phone import PhoneNumber
from tests.stateful.backends import BACKENDS
from tests.stateful.http_driver import (
    HOME,
    HttpDriver,
    HttpRequest,
    open_http_driver,
    unknown_client,
)
from tests.stateful.otp_apis import LegacyOtpApi, MainOtpApi, OtpApi
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.messenger import ACCEPTED, REJECTED, UNKNOWN

TWO_DAYS: Final = 2 * 24 * 3600
OWNER: Final = unknown_client(99)
MAIN_API: Final = MainOtpApi()
APIS: Final = pytest.mark.parametrize("api", [MAIN_API, LegacyOtpApi()], ids=["main", "legacy"])
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


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.__name__)
def http(request: pytest.FixtureRequest) -> Iterator[HttpDriver]:
    with open_http_driver(request.param(request)) as driver:
        yield driver


def to_comparable(response: httpx.Response) -> Comparable:
    headers = [
        (name, "id" if name == "x-request-id" else value)
        for name, value in response.headers.multi_items()
    ]
    return response.status_code, headers, _REQUEST_ID.sub("id", response.text)


def log_in(http: HttpDriver, phone: PhoneNumber) -> str:
    """Log in and return the token."""
    assert http.send(MAIN_API.request_otp(phone, OWNER, {})).status_code == 200
    code = http.messenger.messages[-1].code
    response = http.send(MAIN_API.verify_otp(phone, OWNER, code, None))
    token = MAIN_API.parse_verify_otp(response).token
    assert token
    return token


def block(http: HttpDriver, phone: PhoneNumber) -> None:
    http.run(http.use_cases.block_phone(phone))


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


@contextmanager
def provider_result(http: HttpDriver, result: DeliveryResult) -> Iterator[None]:
    """Let the provider return this result, first to the request of another phone."""
    http.messenger.result = result
    http.send(MAIN_API.request_otp(http.new_phone(), OWNER, {}))
    yield
    http.messenger.result = ACCEPTED


def responses_of_two_clients(http: HttpDriver, api: OtpApi, phone: PhoneNumber) -> list[Comparable]:
    """Send requests and wrong codes from two IPs until they are rejected, and again later."""
    responses: list[Comparable] = []
    for pause in (0, 290):
        http.wait(pause)
        for client in (HOME, unknown_client(1)):
            request = api.request_otp(phone, client, {})
            wrong = [api.verify_otp(phone, client, f"{code:06d}", None) for code in range(6)]
            repeated = api.verify_otp(phone, client, "000000", None)
            wrong_with_id = api.verify_otp(phone, client, "000000", "unknown")
            requests = [request, request, repeated, *wrong, wrong_with_id]
            responses += [to_comparable(http.send(request)) for request in requests]
    http.wait(-290)
    return responses


def responses_for_any_phone(
    http: HttpDriver, api: OtpApi, result: DeliveryResult
) -> list[Comparable]:
    """Assert that phones of all kinds get the same responses, and return them."""
    phones = phones_of_each_kind(http)
    with provider_result(http, result):
        responses = {
            kind: responses_of_two_clients(http, api, phone) for kind, phone in phones.items()
        }
    for kind in KINDS:
        assert responses[kind] == responses["unknown"], kind
    return responses["unknown"]


@APIS
def test_requests_and_wrong_codes_get_the_same_responses_for_any_phone(
    http: HttpDriver, api: OtpApi
) -> None:
    responses = responses_for_any_phone(http, api, ACCEPTED)

    wrong = 200 if api.has_request_ids else 403
    assert {status for status, _, _ in responses} == {200, wrong, 429}


@APIS
@pytest.mark.parametrize("result", [REJECTED, UNKNOWN], ids=lambda result: result.status)
def test_responses_are_the_same_for_any_phone_when_delivery_fails(
    api: OtpApi, result: DeliveryResult
) -> None:
    with open_http_driver(InMemoryDatabase().open_repositories) as http:
        responses = responses_for_any_phone(http, api, result)

    assert (responses[0][0] == 200) == (result == UNKNOWN)


@APIS
def test_a_correct_code_of_a_blocked_phone_gets_the_response_of_a_wrong_one(
    http: HttpDriver, api: OtpApi
) -> None:
    responses: list[list[Comparable]] = []
    for is_correct in (True, False):
        phone = http.new_phone()
        http.send(api.request_otp(phone, HOME, {}))
        code = http.messenger.messages[-1].code
        block(http, phone)
        if not is_correct:
            code = f"{(int(code) + 1) % 10**6:06d}"
        responses.append([])
        for _ in range(6):
            responses[-1].append(to_comparable(http.send(api.verify_otp(phone, HOME, code, None))))
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
    identity_id = http.run(http.use_cases.authenticate(owner_token)).identity.id
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
