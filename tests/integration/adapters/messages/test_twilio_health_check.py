"""The health check of the Twilio messenger."""

from collections.abc import AsyncIterator

import pytest

from adapters.messages.twilio.messenger import TwilioMessenger, open_twilio_messenger
from adapters.shared.account_health_check import FAILURE_TTL, SUCCESS_TTL
from application.ports.errors import MessengerUnavailable
from tests.support.fakes.clock import SecondsClock
from tests.support.servers import http_server
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import Behavior, respond_with
from tests.support.timeouts import LONG

NUMBER = "+15005550006"


@pytest.fixture
def clock() -> SecondsClock:
    return SecondsClock()


@pytest.fixture
async def messenger(
    twilio: FakeTwilio, clock: SecondsClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TwilioMessenger]:
    monkeypatch.setattr("adapters.shared.account_health_check.HEALTH_CHECK_TIMEOUT", 30)
    async with open_twilio_messenger(
        twilio.account_sid,
        twilio.auth_token,
        sender=NUMBER,
        api_base=twilio.url,
        timeouts=LONG,
        now=clock,
    ) as messenger:
        yield messenger


async def failure_of(messenger: TwilioMessenger) -> str:
    with pytest.raises(MessengerUnavailable) as error:
        await messenger.check()
    return str(error.value)


async def test_checks_use_one_request_until_its_result_expires(
    twilio: FakeTwilio, messenger: TwilioMessenger, clock: SecondsClock
) -> None:
    await messenger.check()
    clock.seconds += SUCCESS_TTL - 1
    await messenger.check()
    assert len(twilio.requests) == 1

    clock.seconds += 1
    twilio.behavior = rejects(20500)
    await failure_of(messenger)
    await failure_of(messenger)
    assert len(twilio.requests) == 2

    # A failure expires sooner than a success.
    twilio.behavior = twilio.respond
    clock.seconds += FAILURE_TTL - 1
    await failure_of(messenger)
    clock.seconds += 1
    await messenger.check()


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        (rejects(20404), "The message service does not know this service's account."),
        (respond_with(503), "The message service is unavailable; try again shortly."),
        (respond_with(200, b"<html>"), "The response is not from the message service."),
        (
            respond_with(200, b'{"status": "suspended"}'),
            "This service's account with the message service is not active.",
        ),
        (http_server.close_connection, "The message service does not respond."),
    ],
)
async def test_every_failure_has_a_reason(
    twilio: FakeTwilio, messenger: TwilioMessenger, behavior: Behavior, reason: str
) -> None:
    twilio.behavior = behavior

    assert await failure_of(messenger) == reason


async def test_a_check_ends_after_its_timeout(
    twilio: FakeTwilio, messenger: TwilioMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.shared.account_health_check.HEALTH_CHECK_TIMEOUT", 0.05)
    twilio.behavior = http_server.never_respond
    assert await failure_of(messenger) == "The message service does not respond."


async def test_a_compatible_server_needs_no_account_resource(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    twilio.behavior = respond_with(404, b'{"detail": "Not Found"}')

    await messenger.check()
