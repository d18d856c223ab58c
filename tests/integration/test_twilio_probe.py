import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from adapters.twilio import Patience, TwilioMessenger, open_twilio_messenger
from adapters.twilio.probe import UNWELL_FOR, WELL_FOR
from adapters.twilio.transport import PATIENCE
from application.ports.errors import MessengerUnavailable
from tests.support.servers import behaviours
from tests.support.servers.behaviours import says
from tests.support.servers.loopback import Asked, Behaviour
from tests.support.servers.twilio_stand_in import TwilioStandIn, refuses

NUMBER = "+15005550006"


class Stopwatch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as twilio:
        yield twilio


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


def opened(
    twilio: TwilioStandIn, watch: Stopwatch, patience: Patience = PATIENCE
) -> AbstractAsyncContextManager[TwilioMessenger]:
    return open_twilio_messenger(
        twilio.account_sid,
        twilio.auth_token,
        sender=NUMBER,
        api_base=twilio.url,
        patience=patience,
        now=watch,
    )


@pytest.fixture
async def messenger(twilio: TwilioStandIn, watch: Stopwatch) -> AsyncIterator[TwilioMessenger]:
    async with opened(twilio, watch) as messenger:
        yield messenger


async def trouble_of(messenger: TwilioMessenger) -> str:
    with pytest.raises(MessengerUnavailable) as trouble:
        await messenger.check()
    return str(trouble.value)


async def test_a_look_reads_the_account_and_sends_nothing(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    await messenger.check()

    assert twilio.asked == [Asked("GET", f"/2010-04-01/Accounts/{twilio.account_sid}.json")]
    assert twilio.messages == []


async def test_opening_asks_nobody(twilio: TwilioStandIn, messenger: TwilioMessenger) -> None:
    assert twilio.asked == []


async def test_however_many_look_there_is_one_request_in_a_while(
    twilio: TwilioStandIn, messenger: TwilioMessenger, watch: Stopwatch
) -> None:
    await asyncio.gather(*(messenger.check() for _ in range(50)))
    watch.at += WELL_FOR - 1
    await messenger.check()
    assert len(twilio.asked) == 1

    watch.at += 1
    await messenger.check()
    assert len(twilio.asked) == 2


async def test_trouble_is_remembered_for_a_shorter_while(
    twilio: TwilioStandIn, messenger: TwilioMessenger, watch: Stopwatch
) -> None:
    twilio.behaviour = refuses(20500)
    await asyncio.gather(*(trouble_of(messenger) for _ in range(50)))
    assert len(twilio.asked) == 1

    twilio.behaviour = twilio.answer
    watch.at += UNWELL_FOR - 1
    await trouble_of(messenger)
    watch.at += 1
    await messenger.check()


@pytest.mark.parametrize(
    ("behaviour", "trouble"),
    [
        (refuses(20003), "The message service does not accept this service's credentials."),
        (says(403), "The message service does not accept this service's credentials."),
        (refuses(20404), "The message service does not know this service's account."),
        (refuses(20429), "The message service is asked too often; try again shortly."),
        (says(503), "The message service is unavailable; try again shortly."),
        (says(200, b"<html>"), "What answers in the message service's place is something else."),
        (says(200, b"[]"), "What answers in the message service's place is something else."),
        (says(301), "What answers in the message service's place is something else."),
        (
            says(200, b'{"status": "suspended"}'),
            "This service's account with the message service is not active.",
        ),
        (behaviours.hangs_up, "The message service does not answer."),
    ],
)
async def test_what_would_take_no_message_has_a_reason(
    twilio: TwilioStandIn, messenger: TwilioMessenger, behaviour: Behaviour, trouble: str
) -> None:
    twilio.behaviour = behaviour

    assert await trouble_of(messenger) == trouble


@pytest.mark.parametrize("behaviour", [behaviours.hangs, behaviours.drips(200)])
async def test_what_does_not_come_to_an_end_is_not_waited_for(
    twilio: TwilioStandIn, watch: Stopwatch, behaviour: Behaviour
) -> None:
    twilio.behaviour = behaviour

    async with opened(twilio, watch, Patience(look=0.3)) as messenger:
        assert await trouble_of(messenger) == "The message service does not answer."


async def test_where_nobody_listens_no_message_would_be_taken(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    twilio.close()

    assert await trouble_of(messenger) == (
        "The message service cannot be reached; try again shortly."
    )


async def test_what_stands_in_twilios_place_need_not_know_accounts(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    twilio.behaviour = says(404, b'{"detail": "Not Found"}')

    await messenger.check()


async def test_one_who_goes_away_leaves_the_look_to_the_next(
    twilio: TwilioStandIn, messenger: TwilioMessenger
) -> None:
    twilio.behaviour = behaviours.hangs
    gone = asyncio.create_task(messenger.check())
    waiting = asyncio.create_task(messenger.check())
    await asyncio.to_thread(twilio.wait_until_asked)
    twilio.behaviour = twilio.answer
    gone.cancel()

    await waiting
