"""The health check of the Twilio messenger."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from adapters.twilio import TwilioMessenger, open_twilio_messenger
from adapters.twilio.health_check import FAILURE_TTL, HEALTH_CHECK_TIMEOUT, SUCCESS_TTL
from application.ports.errors import MessengerUnavailable
from tests.support.fakes.clock import MonotonicClock
from tests.support.servers import http_server
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.http_server import Behavior, respond_with

NUMBER = "+15005550006"


@pytest.fixture
def clock() -> MonotonicClock:
    return MonotonicClock()


def open_messenger(
    twilio: FakeTwilio, clock: MonotonicClock, timeout: float = HEALTH_CHECK_TIMEOUT
) -> AbstractAsyncContextManager[TwilioMessenger]:
    return open_twilio_messenger(
        twilio.account_sid,
        twilio.auth_token,
        sender=NUMBER,
        api_base=twilio.url,
        health_check_timeout=timeout,
        now=clock,
    )


@pytest.fixture
async def messenger(twilio: FakeTwilio, clock: MonotonicClock) -> AsyncIterator[TwilioMessenger]:
    async with open_messenger(twilio, clock) as messenger:
        yield messenger


async def failure_of(messenger: TwilioMessenger) -> str:
    with pytest.raises(MessengerUnavailable) as error:
        await messenger.check()
    return str(error.value)


async def test_checks_share_one_request_until_its_result_expires(
    twilio: FakeTwilio, messenger: TwilioMessenger, clock: MonotonicClock
) -> None:
    await asyncio.gather(*(messenger.check() for _ in range(50)))
    clock.seconds += SUCCESS_TTL - 1
    await messenger.check()
    assert len(twilio.requests) == 1

    clock.seconds += 1
    twilio.behavior = rejects(20500)
    await asyncio.gather(*(failure_of(messenger) for _ in range(50)))
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
        (respond_with(301), "The response is not from the message service."),
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


@pytest.mark.parametrize("behavior", [http_server.never_respond, http_server.drip(200)])
async def test_a_check_ends_after_its_timeout(
    twilio: FakeTwilio, clock: MonotonicClock, behavior: Behavior
) -> None:
    twilio.behavior = behavior

    async with open_messenger(twilio, clock, 0.3) as messenger:
        assert await failure_of(messenger) == "The message service does not respond."


async def test_a_compatible_server_needs_no_account_resource(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    twilio.behavior = respond_with(404, b'{"detail": "Not Found"}')

    await messenger.check()
