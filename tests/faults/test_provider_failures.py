"""The message provider is down, or hangs.

`tests/integration/test_twilio_messenger.py` has all failures of Twilio.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Final

import httpx
import pytest

from tests.faults.responses import is_success
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import (
    Behavior,
    Exchange,
    never_respond,
)
from tests.support.service import Service, running

RESPONSE_TIMEOUT: Final = 60.0
"""Seconds. The provider has 10 without a byte, and 15 for its whole response."""

_numbers = itertools.count(1)


@dataclass
class Provider:
    """A fake Twilio with a behavior for each phone."""

    twilio: FakeTwilio
    behaviors: dict[str, Behavior] = field(default_factory=dict)

    def respond(self, exchange: Exchange) -> None:
        phone = exchange.received.form.get("To", "")
        self.behaviors.get(phone, self.twilio.respond)(exchange)

    def inbox(self, phone: str) -> list[str]:
        return [message["Body"] for message in self.twilio.messages if message["To"] == phone]

    def new_phone(self, behavior: Behavior) -> str:
        phone = f"+1415558{next(_numbers):04d}"
        self.behaviors[phone] = behavior
        return phone


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider(FakeTwilio().__enter__())
    provider.twilio.behavior = provider.respond
    yield provider
    provider.twilio.close()


@pytest.fixture(scope="module")
def service(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environ = {"DIALTONE_SMS": "twilio", "DIALTONE_COUNTRIES": "*", **provider.twilio.environ}
    with running(tmp_path_factory.mktemp("service"), environ, provider.inbox) as service:
        yield service


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=300)
    async with httpx.AsyncClient(
        base_url=service.url, timeout=RESPONSE_TIMEOUT, **PLAIN_HTTP, limits=limits
    ) as client:
        yield client


async def request_otp(http: httpx.AsyncClient, phone: str) -> httpx.Response:
    return await http.post("/auth/request-otp", json={"phone": phone})


async def verify_otp(service: Service, http: httpx.AsyncClient, phone: str) -> bool:
    body = {"phone": phone, "otp": service.messages(phone)[-1]}
    success: bool = (await http.post("/auth/verify-otp", json=body)).json()["success"]
    return success


async def test_a_hanging_provider_delays_no_other_request(
    provider: Provider, service: Service, http: httpx.AsyncClient
) -> None:
    phone = provider.new_phone(provider.respond)
    provider.behaviors = {}
    assert (await request_otp(http, phone)).json()["sent"] is True
    phones = [provider.new_phone(never_respond) for _ in range(120)]
    received = len(provider.twilio.requests)

    hanging = [asyncio.create_task(request_otp(http, number)) for number in phones]
    await asyncio.to_thread(provider.twilio.wait_for_requests, received + 1)
    assert await verify_otp(service, http, phone)
    assert (await http.get("/health/live")).status_code == 200
    assert not any(request.done() for request in hanging)

    for response in await asyncio.gather(*hanging):
        if is_success(response, "POST /auth/request-otp", 200):
            assert response.json()["sent"] is True
    assert all(len(provider.inbox(number)) <= 1 for number in phones)
    assert (await request_otp(http, provider.new_phone(provider.twilio.respond))).json()["sent"]
