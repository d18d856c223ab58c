"""The message provider rejects, hangs or breaks connections, in both sign-in APIs."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.faults.responses import is_success
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.behaviors import (
    close_before_body,
    close_connection,
    delay,
    never_respond,
    respond_with,
    stall,
    truncate,
)
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import Behavior, Exchange

COOLDOWNS = tuple(timedelta(seconds=seconds) for seconds in (15, 15, 15, 30, 60))
"""After each delivery that one IP can request for a phone in 15 minutes."""
MAX_DELIVERIES = len(COOLDOWNS)
RESPONSE_TIMEOUT = 60.0
"""Seconds. The provider has 10 without a byte, and 15 for its whole response."""

REJECTED: Mapping[str, Behavior] = {
    **{f"code {code}": rejects(code) for code in (20003, 20404, 20429, 20500, 21606, 30007)},
    **{
        f"status {status}": respond_with(status)
        for status in (301, 400, 401, 403, 404, 409, 410, 418)
    },
    **{
        f"status {status}": respond_with(status, b"<html>no</html>")
        for status in (422, 429, 500, 501)
    },
    **{f"status {status}": respond_with(status) for status in (502, 503, 505, 507)},
    "504 of the provider": rejects(20500, 504),
    "half of a 500": truncate(500, b"{}" * 100),
    "a 500 that stalls": stall(500, b"{}" * 100),
}
UNKNOWN: Mapping[str, Behavior] = {
    "504 of a gateway": respond_with(504),
    "no response": close_connection,
    "timeout": never_respond,
    "a success without a body": respond_with(201),
    "half of a success": truncate(201, b"{}" * 100),
    "a success that stalls": stall(201, b"{}" * 100),
}
INVALID_NUMBER: Mapping[str, Behavior] = {
    f"code {code}": rejects(code) for code in (21211, 21408, 21610, 21612, 21614, 30005)
}

_numbers = itertools.count(1)

Phones = dict[str, str]
Responses = dict[str, httpx.Response]


@dataclass
class Provider:
    """A fake Twilio with a behavior for each phone."""

    twilio: FakeTwilio
    behaviors: dict[str, Behavior] = field(default_factory=dict)

    @property
    def environ(self) -> Mapping[str, str]:
        """The settings of a service that uses it."""
        return {"DIALTONE_SMS": "twilio", "DIALTONE_COUNTRIES": "*", **self.twilio.environ}

    def respond(self, exchange: Exchange) -> None:
        form = dict(parse_qsl(exchange.body.decode()))
        self.behaviors.get(form.get("To", ""), self.twilio.respond)(exchange)

    def stop(self) -> None:
        """Stop listening."""
        self.twilio.close()

    def restart(self) -> None:
        """Listen on the same port again."""
        self.twilio = FakeTwilio(port=int(self.twilio.url.rpartition(":")[2]))
        self.twilio.behavior = self.respond
        self.twilio.__enter__()

    def inbox(self, phone: str) -> list[str]:
        return [message["Body"] for message in self.twilio.messages if message["To"] == phone]

    def new_phones(self, behaviors: Mapping[str, Behavior]) -> Phones:
        """Return a phone for each behavior, by its name."""
        phones = {name: new_phone() for name in behaviors}
        self.behaviors |= {phones[name]: behavior for name, behavior in behaviors.items()}
        return phones


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider(FakeTwilio().__enter__())
    provider.twilio.behavior = provider.respond
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def service(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultyService]:
    """One service for all tests. Each test has phones of its own."""
    folder = tmp_path_factory.mktemp("service")
    with run_faulty_service(folder, provider.environ, provider.inbox) as service:
        yield service


@pytest.fixture
async def http(service: FaultyService) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=300)
    async with httpx.AsyncClient(
        base_url=service.url, timeout=RESPONSE_TIMEOUT, **PLAIN_HTTP, limits=limits
    ) as client:
        yield client


def new_phone() -> str:
    return f"+1415558{next(_numbers):04d}"


async def request_otps(
    http: httpx.AsyncClient, phones: Phones, path: str = "/auth/request-otp"
) -> Responses:
    """Request a code for each phone, all at once."""
    responses = await asyncio.gather(
        *(http.post(path, json={"phone": phone}) for phone in phones.values())
    )
    return dict(zip(phones, responses, strict=True))


async def request_legacy_otps(http: httpx.AsyncClient, phones: Phones) -> Responses:
    return await request_otps(http, phones, "/authenticate/get_otp")


def join(phones: Phones, legacy_phones: Phones) -> Phones:
    return phones | {f"legacy {name}": phone for name, phone in legacy_phones.items()}


async def assert_deliveries_left(
    service: FaultyService, http: httpx.AsyncClient, phones: Phones, deliveries: int
) -> None:
    """Assert that exactly so many more deliveries are allowed, and that the last code works."""
    # Nothing that does not count starts a cooldown.
    cooldowns = (timedelta(), *COOLDOWNS)[MAX_DELIVERIES - deliveries :]
    for cooldown in cooldowns[:-1]:
        service.advance_clock(cooldown)
        responses = await request_otps(http, phones)
        results = {
            name: (response.status_code, response.json().get("sent"))
            for name, response in responses.items()
        }
        assert results == dict.fromkeys(phones, (200, True))
    service.advance_clock(cooldowns[-1])
    responses = await request_otps(http, phones)
    statuses = {name: response.status_code for name, response in responses.items()}
    assert statuses == dict.fromkeys(phones, 429)
    for phone in phones.values():
        body = {"phone": phone, "otp": service.messages(phone)[-1]}
        response = await http.post("/auth/verify-otp", json=body)
        assert response.json()["success"] is True


async def test_a_rejected_delivery_is_an_error_and_does_not_count(
    provider: Provider, service: FaultyService, http: httpx.AsyncClient
) -> None:
    phones, legacy_phones = provider.new_phones(REJECTED), provider.new_phones(REJECTED)
    all_phones = join(phones, legacy_phones)
    for _ in range(MAX_DELIVERIES + 1):
        responses, legacy_responses = await asyncio.gather(
            request_otps(http, phones), request_legacy_otps(http, legacy_phones)
        )
        for name, response in responses.items():
            assert not is_success(response, "POST /auth/request-otp", 200), name
            assert response.json()["code"] == "delivery_failed", name
        for name, response in legacy_responses.items():
            assert not is_success(response, "POST /authenticate/get_otp", 200), name
            assert "unable to connect to message server :- " in response.json()["error"], name
        # The slow behaviors run only once.
        provider.behaviors = dict.fromkeys(all_phones.values(), respond_with(500))
    assert all(len(provider.inbox(phone)) == MAX_DELIVERIES + 1 for phone in all_phones.values())
    provider.behaviors = {}
    await assert_deliveries_left(service, http, all_phones, MAX_DELIVERIES)


async def test_a_delivery_with_an_unknown_result_counts_and_is_not_repeated(
    provider: Provider, service: FaultyService, http: httpx.AsyncClient
) -> None:
    phones, legacy_phones = provider.new_phones(UNKNOWN), provider.new_phones(UNKNOWN)

    async def request_twice(phone: str) -> None:
        first = (await http.post("/auth/request-otp", json={"phone": phone})).json()
        second = (await http.post("/auth/request-otp", json={"phone": phone})).json()
        assert (first["sent"], second["sent"]) == (True, False)
        assert first["request_id"] != second["request_id"]

    legacy_responses, _ = await asyncio.gather(
        request_legacy_otps(http, legacy_phones),
        asyncio.gather(*(request_twice(phone) for phone in phones.values())),
    )
    assert {response.status_code for response in legacy_responses.values()} == {200}
    provider.behaviors = {}
    all_phones = join(phones, legacy_phones)
    assert all(len(provider.inbox(phone)) == 1 for phone in all_phones.values())
    await assert_deliveries_left(service, http, all_phones, MAX_DELIVERIES - 1)


async def test_an_invalid_number_is_an_error_and_does_not_count(
    provider: Provider, service: FaultyService, http: httpx.AsyncClient
) -> None:
    phones = provider.new_phones(INVALID_NUMBER)
    legacy_phones = provider.new_phones(INVALID_NUMBER)
    for name, response in (await request_otps(http, phones)).items():
        assert (response.status_code, set(response.json()["errors"])) == (400, {"phone"}), name
    for name, response in (await request_legacy_otps(http, legacy_phones)).items():
        assert (response.status_code, response.json()["exit_code"]) == (400, 4), name
    provider.behaviors = {}
    await assert_deliveries_left(service, http, join(phones, legacy_phones), MAX_DELIVERIES)


async def test_the_service_waits_for_a_slow_provider(
    provider: Provider, service: FaultyService, http: httpx.AsyncClient
) -> None:
    phones = provider.new_phones(
        {f"{seconds} s": delay(seconds, provider.twilio.respond) for seconds in (0.1, 2.0)}
    )
    responses = await request_otps(http, phones)
    assert all(response.json()["sent"] for response in responses.values())
    provider.behaviors = {}
    await assert_deliveries_left(service, http, phones, MAX_DELIVERIES - 1)


async def test_requests_during_a_provider_outage_do_not_count(
    provider: Provider, service: FaultyService, http: httpx.AsyncClient
) -> None:
    phones = {"phone": new_phone()}
    provider.stop()
    for _ in range(MAX_DELIVERIES + 1):
        response = (await request_otps(http, phones))["phone"]
        assert not is_success(response, "POST /auth/request-otp", 200)
        assert response.json()["code"] == "delivery_failed"
    provider.restart()
    await assert_deliveries_left(service, http, phones, MAX_DELIVERIES)


async def test_a_connection_closed_before_the_body_is_an_unknown_result(
    provider: Provider, service: FaultyService, http: httpx.AsyncClient
) -> None:
    phones = {"phone": new_phone()}
    provider.twilio.behavior = close_before_body
    assert (await request_otps(http, phones))["phone"].json()["sent"] is True
    provider.twilio.behavior = provider.respond
    assert (await request_otps(http, phones))["phone"].json()["sent"] is False
    await assert_deliveries_left(service, http, phones, MAX_DELIVERIES - 1)


async def test_a_hanging_provider_delays_no_other_request(
    provider: Provider, service: FaultyService, http: httpx.AsyncClient
) -> None:
    phone = new_phone()
    assert (await request_otps(http, {"phone": phone}))["phone"].json()["sent"] is True
    hanging_phones = provider.new_phones({str(number): never_respond for number in range(120)})

    hanging = asyncio.create_task(request_otps(http, hanging_phones))
    await asyncio.to_thread(provider.twilio.wait_for_requests, 2)
    body = {"phone": phone, "otp": service.code(phone)}
    response = await http.post("/auth/verify-otp", json=body)
    assert response.json()["success"] is True
    assert (await http.get("/health/live")).status_code == 200
    assert not hanging.done()

    for response in (await hanging).values():
        if is_success(response, "POST /auth/request-otp", 200):
            assert response.json()["sent"] is True
    assert all(len(provider.inbox(hanging_phone)) <= 1 for hanging_phone in hanging_phones.values())
    provider.behaviors = {}
    after = await request_otps(http, {"phone": new_phone()})
    assert after["phone"].json()["sent"] is True
