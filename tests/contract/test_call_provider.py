"""The promises of the port that places calls and has the recordings, with our providers."""

from collections.abc import AsyncIterator

import pytest

from adapters.messages.twilio.voice.calls import TwilioCalls, open_twilio_calls
from tests.contract.provider_drivers import ServerDriver, only_with
from tests.contract.suites.voice.drivers import CallsDriver, PlacedCall
from tests.contract.suites.voice.test_call_provider import *
from tests.contract.suites.voice.test_call_provider import (
    test_a_call_without_an_answer_is_unknown_and_not_placed_again,
    test_a_provider_without_an_answer_has_no_recording_and_does_not_delete_it,
    test_the_health_check_ends_in_time_and_fails_if_the_provider_is_away,
)
from tests.support.fakes.call_provider import FakeCallProvider
from tests.support.fakes.messenger import INVALID_NUMBER, UNAVAILABLE
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.timeouts import LONG


class FakeDriver(CallsDriver):
    def __init__(self) -> None:
        self.fake = FakeCallProvider()
        self.calls = self.fake

    async def placed(self) -> list[PlacedCall]:
        calls = self.fake.calls.values()
        return [PlacedCall(call.phone.e164, call.url, call.status_url) for call in calls]

    async def provider_is(self, state: str) -> None:
        self.fake.is_unavailable = state in ("away", "drops")
        self.fake.hangs = state == "silent"
        self.fake.result = UNAVAILABLE if state == "refuses" else None

    async def invalidate_number(self) -> None:
        self.fake.result = INVALID_NUMBER

    async def add_recording(self, content: bytes) -> str:
        self.fake.recordings["RE1"] = content
        return "RE1"


class TwilioDriver(ServerDriver, CallsDriver):
    server: FakeTwilio
    refusal = staticmethod(rejects(20003))

    def __init__(self, calls: TwilioCalls, twilio: FakeTwilio) -> None:
        super().__init__(twilio, calls._client.transport)
        self.calls = calls

    async def placed(self) -> list[PlacedCall]:
        forms = [request.form for request in self.server.requests if request.method == "POST"]
        return [PlacedCall(form["To"], form["Url"], form["StatusCallback"]) for form in forms]

    async def invalidate_number(self) -> None:
        self.server.behavior = rejects(21217)

    async def add_recording(self, content: bytes) -> str:
        return self.server.add_recording(content)


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


with_provider = only_with("calls_driver", twilio)
with_provider(test_a_call_without_an_answer_is_unknown_and_not_placed_again)
with_provider(test_a_provider_without_an_answer_has_no_recording_and_does_not_delete_it)
# Calls have no health check of Twilio: that of its messages is one for the account.
only_with("calls_driver", fake)(
    test_the_health_check_ends_in_time_and_fails_if_the_provider_is_away
)
