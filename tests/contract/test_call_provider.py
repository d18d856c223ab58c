"""The promises of the port that places calls and has the recordings, with our providers."""

from collections.abc import AsyncIterator

import pytest

from adapters.twilio.voice.calls import open_twilio_calls
from application.ports.voice import CallProvider
from pytest_dialtone.suites.voice.drivers import CallsDriver
from pytest_dialtone.suites.voice.test_call_provider import *
from tests.support.fakes.call_provider import INVALID_NUMBER, FakeCallProvider
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.timeouts import LONG


class FakeDriver(CallsDriver):
    def __init__(self) -> None:
        self.fake = FakeCallProvider()
        super().__init__(self.fake)

    async def placed(self) -> str:
        return "\n".join(
            f"{call.phone.e164} {call.url} {call.status_url}" for call in self.fake.calls.values()
        )

    async def break_provider(self) -> None:
        self.fake.is_unavailable = True

    def invalidate_number(self) -> None:
        self.fake.result = INVALID_NUMBER

    async def add_recording(self, content: bytes) -> str:
        self.fake.recordings["RE1"] = content
        return "RE1"


class TwilioDriver(CallsDriver):
    def __init__(self, calls: CallProvider, twilio: FakeTwilio) -> None:
        super().__init__(calls)
        self.twilio = twilio

    async def placed(self) -> str:
        return "\n".join(
            f"{call.form['To']} {call.form['Url']} {call.form['StatusCallback']}"
            for call in self.twilio.requests
        )

    async def break_provider(self) -> None:
        self.twilio.close()

    def invalidate_number(self) -> None:
        self.twilio.behavior = rejects(21217)

    async def add_recording(self, content: bytes) -> str:
        return self.twilio.add_recording(content)


async def fake(request: pytest.FixtureRequest) -> AsyncIterator[CallsDriver]:
    yield FakeDriver()


async def twilio(request: pytest.FixtureRequest) -> AsyncIterator[CallsDriver]:
    with FakeTwilio() as server:
        opening = open_twilio_calls(
            server.account_sid,
            server.auth_token,
            caller_id="+15005550006",
            api_base=server.url,
            timeouts=LONG,
        )
        async with opening as calls:
            yield TwilioDriver(calls, server)


@pytest.fixture(params=[fake, twilio], ids=lambda open_driver: open_driver.__name__)
async def calls_driver(request: pytest.FixtureRequest) -> AsyncIterator[CallsDriver]:
    async for driver in request.param(request):
        yield driver
