"""No response reveals whether a number is known: responses are equal byte for byte."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from application.ports.otp import DeliveryResult
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, REJECTED, UNKNOWN
from tests.support.http_app import open_http_client

HOME_IP: Final = "203.0.113.7"
WORK_IP: Final = "2001:db8:1::1"
OWNER_IP: Final = "2001:db8:63::1"
# Many phones have the same client IPs here.
UNLIMITED: Final = SlidingWindow(20_000, timedelta(seconds=1))
POLICY: Final = make_policy(
    countries=["US"],
    rate_limits=RateLimits(
        per_ip=UNLIMITED,
        per_country=UNLIMITED,
        total=UNLIMITED,
        verifications_per_ip=UNLIMITED,
        others_per_country=UNLIMITED,
        others_total=UNLIMITED,
    ),
)
MAIN_API: Final = ("/auth/request-otp", "/auth/verify-otp")
LEGACY_API: Final = ("/authenticate/get_otp", "/authenticate/validate_otp")
APIS: Final = pytest.mark.parametrize("api", [MAIN_API, LEGACY_API], ids=["main", "legacy"])
KINDS: Final = {
    "unknown": set[str](),
    "known": {"known"},
    "user": {"known", "user"},
    "user and blocked": {"known", "user", "blocked"},
}
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}")

Comparable = tuple[int, list[tuple[str, str]], str]
"""Status, headers and body of a response, without the ids that are new in each response."""
Api = tuple[str, str]
"""The paths of both steps."""


@dataclass(frozen=True, slots=True)
class Service:
    """The service behind a proxy."""

    app: AppHarness
    http: httpx.AsyncClient

    async def send(
        self, method: str, path: str, body: Any = None, token: str = "", client_ip: str = HOME_IP
    ) -> httpx.Response:
        headers = {"X-Forwarded-For": client_ip}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return await self.http.request(method, path, json=body, headers=headers)

    async def request_otp(
        self, phone: PhoneNumber, client_ip: str, api: Api = MAIN_API
    ) -> httpx.Response:
        return await self.send("POST", api[0], {"phone": phone.e164}, client_ip=client_ip)

    async def verify_otp(
        self, phone: PhoneNumber, client_ip: str, code: str, api: Api = MAIN_API, **fields: str
    ) -> httpx.Response:
        body = {"phone": phone.e164, "otp": code, **fields}
        return await self.send("POST", api[1], body, client_ip=client_ip)

    async def log_in(self, phone: PhoneNumber) -> str:
        """Log in and return the token."""
        assert (await self.request_otp(phone, OWNER_IP)).status_code == 200
        response = await self.verify_otp(phone, OWNER_IP, self.app.last_code)
        token: str = response.json()["access_token"]
        return token

    async def block(self, phone: PhoneNumber) -> None:
        await self.app.identities.operator_actions.block(phone)


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    app = AppHarness(policy=POLICY)
    async with open_http_client(app.use_cases) as http:
        yield Service(app, http)


def to_comparable(response: httpx.Response) -> Comparable:
    headers = [
        (name, "id" if name == "x-request-id" else value)
        for name, value in response.headers.multi_items()
    ]
    return response.status_code, headers, _REQUEST_ID.sub("id", response.text)


async def create_user(service: Service, phone: PhoneNumber, token: str) -> str:
    body = {"username": f"User {phone.e164}", "number": phone.e164}
    response = await service.send("POST", "/users", body, token)
    assert response.status_code == 201
    user_id: str = response.json()["user_id"]
    return user_id


async def phones_of_each_kind(service: Service) -> dict[str, PhoneNumber]:
    """Return a phone of each kind, two days after its last request."""
    phones = {kind: a_phone(number) for number, kind in enumerate(KINDS)}
    for kind, phone in phones.items():
        if "known" in KINDS[kind]:
            token = await service.log_in(phone)
            if "user" in KINDS[kind]:
                await create_user(service, phone, token)
        if "blocked" in KINDS[kind]:
            await service.block(phone)
    service.app.advance(days=2)
    return phones


async def responses_of_two_clients(
    service: Service, api: Api, phone: PhoneNumber
) -> list[Comparable]:
    """Send requests and wrong codes from two IPs until they are rejected, and again later."""
    responses: list[httpx.Response] = []
    for pause in (0, 290):
        service.app.advance(pause)
        for client_ip in (HOME_IP, WORK_IP):
            responses += [await service.request_otp(phone, client_ip, api) for _ in range(2)]
            for code in ("000000", *(f"{code:06d}" for code in range(6))):
                responses.append(await service.verify_otp(phone, client_ip, code, api))
            fields = {"request_id": "unknown"} if api == MAIN_API else {}
            unknown = await service.verify_otp(phone, client_ip, "000000", api, **fields)
            responses.append(unknown)
    service.app.advance(-290)
    return [to_comparable(response) for response in responses]


@pytest.mark.parametrize(
    ("api", "result"),
    [
        pytest.param(MAIN_API, ACCEPTED, id="accepted"),
        pytest.param(MAIN_API, REJECTED, id="rejected", marks=pytest.mark.slow),
        pytest.param(MAIN_API, UNKNOWN, id="unknown", marks=pytest.mark.slow),
        pytest.param(LEGACY_API, REJECTED, id="legacy", marks=pytest.mark.slow),
    ],
)
async def test_requests_and_wrong_codes_get_the_same_responses_for_any_phone(
    service: Service, api: Api, result: DeliveryResult
) -> None:
    phones = await phones_of_each_kind(service)
    # The first request with this result is that of another phone.
    service.app.messenger.result = result
    await service.request_otp(a_phone(99), OWNER_IP)

    responses = {
        kind: await responses_of_two_clients(service, api, phone) for kind, phone in phones.items()
    }

    for kind in KINDS:
        assert responses[kind] == responses["unknown"], kind
    assert (responses["unknown"][0][0] == 200) == (result != REJECTED)
    assert 429 in {status for status, _, _ in responses["unknown"]}


@APIS
async def test_a_blocked_number_without_an_account_is_one_of_a_country_that_is_not_served(
    service: Service, api: Api
) -> None:
    await service.block(a_phone())
    abroad = await service.request_otp(parse_phone("+4915112345678"), HOME_IP, api)
    blocked = await service.request_otp(a_phone(), HOME_IP, api)
    assert to_comparable(blocked) == to_comparable(abroad)
    assert blocked.status_code != 200
    assert service.app.messenger.messages == []


async def test_the_older_app_gets_the_response_of_a_wrong_code_for_a_blocked_account(
    service: Service,
) -> None:
    phone = a_phone()
    await service.log_in(phone)
    await service.block(phone)
    service.app.advance(60)
    await service.request_otp(phone, HOME_IP, LEGACY_API)
    codes = ("000000", service.app.last_code)
    wrong, correct = [
        to_comparable(await service.verify_otp(phone, HOME_IP, code, LEGACY_API)) for code in codes
    ]
    assert correct == wrong


async def test_others_see_no_difference_between_phones_and_identities(service: Service) -> None:
    phones = await phones_of_each_kind(service)
    token = await service.log_in(a_phone(98))
    created = [
        await service.send("POST", "/users", {"username": "Mallory", "number": phone.e164}, token)
        for phone in phones.values()
    ]
    assert len({repr(to_comparable(response)) for response in created}) == 1
    assert created[0].status_code == 403

    # An identity without a user looks like an unknown id.
    owner = await service.log_in(a_phone(97))
    identity_id = (await service.app.identities.authenticate(owner)).identity.id
    known, unknown = [
        to_comparable(await service.send("GET", f"/users/{user_id}", token=token))
        for user_id in (identity_id, "0" * 24)
    ]
    assert known == unknown
    assert known[0] == 404

    user_path = f"/users/{await create_user(service, a_phone(97), owner)}"
    before = to_comparable(await service.send("GET", user_path, token=token))
    await service.block(a_phone(97))
    assert to_comparable(await service.send("GET", user_path, token=token)) == before
