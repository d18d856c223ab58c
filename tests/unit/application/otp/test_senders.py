"""Several senders, tried in order."""

import asyncio

import pytest

from application.otp.senders import AnyOf, Senders
from application.ports.errors import MessengerUnavailable
from application.ports.messenger import Handover
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, BAD_NUMBER, REFUSED, UNKNOWN, FakeMessenger


async def sent_by(*handovers: Handover) -> tuple[Handover, list[int]]:
    """Send through senders that answer so; give the outcome and how often each was tried."""
    messengers = [FakeMessenger(one) for one in handovers]
    outcome = await Senders(messengers).send(a_phone(), "123456 is your code")
    return outcome, [len(one.messages) for one in messengers]


@pytest.mark.parametrize("outcome", [ACCEPTED, UNKNOWN, BAD_NUMBER])
async def test_only_a_refusal_leads_on_to_the_next(outcome: Handover) -> None:
    assert await sent_by(outcome, ACCEPTED) == (outcome, [1, 0])
    assert await sent_by(REFUSED, outcome, ACCEPTED) == (outcome, [1, 1, 0])


async def test_when_all_refuse_the_last_reason_is_told() -> None:
    last = Handover(REFUSED.outcome, "the last one's")

    assert await sent_by(REFUSED, REFUSED, last) == (last, [1, 1, 1])


async def test_they_are_ready_as_long_as_one_is() -> None:
    await AnyOf([FakeMessenger(REFUSED), FakeMessenger(ACCEPTED)]).check()

    with pytest.raises(MessengerUnavailable) as refusal:
        await AnyOf([FakeMessenger(REFUSED), FakeMessenger(REFUSED)]).check()

    assert str(refusal.value) == f"{REFUSED.reason}; {REFUSED.reason}"


class Hanging:
    async def check(self) -> None:
        await asyncio.Event().wait()


async def test_one_that_hangs_keeps_no_other_from_being_ready() -> None:
    await AnyOf([Hanging(), FakeMessenger(ACCEPTED)]).check()
