"""What is withheld goes as the latest message went."""

import asyncio

import pytest

from application.ports.messenger import Handover
from application.sign_in.recent_handovers import RecentHandovers
from tests.fakes.messenger import ACCEPTED, BAD_NUMBER, REFUSED, UNKNOWN


async def answer(handover: Handover, gate: asyncio.Event | None = None) -> Handover:
    if gate is not None:
        await gate.wait()
    return handover


async def test_before_any_message_it_looks_like_one_that_was_accepted() -> None:
    assert await RecentHandovers().as_of_late() == ACCEPTED


@pytest.mark.parametrize("handover", [ACCEPTED, REFUSED, UNKNOWN])
async def test_it_goes_as_the_latest_went(handover: Handover) -> None:
    recent = RecentHandovers()
    for one in (REFUSED, ACCEPTED, handover):
        assert await recent.noting(answer(one)) == one

    assert await recent.as_of_late() == handover


async def test_a_bad_number_says_nothing_of_others() -> None:
    recent = RecentHandovers()
    await recent.noting(answer(BAD_NUMBER))

    assert await recent.as_of_late() == ACCEPTED


async def test_it_takes_as_long_as_one_that_went_like_the_latest() -> None:
    recent = RecentHandovers()
    loop = asyncio.get_running_loop()
    gate = asyncio.Event()
    loop.call_later(0.05, gate.set)
    await recent.noting(answer(ACCEPTED, gate))
    await recent.noting(answer(REFUSED))
    await recent.noting(answer(ACCEPTED, gate))

    began = loop.time()
    for _ in range(2):
        await recent.as_of_late()

    # Once as long as the first took, once as long as the last, which did not wait.
    assert loop.time() - began >= 0.04
