"""What abuse brings: how many of its guesses were answered, how many messages it sent.

The rules are the domain's; this measures that they hold over a real database, raced at. Time is
simulated, so that a day takes seconds.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, TypeVar

from application.ports.records import Records
from application.sign_in.request_code import CodeSent
from application.sign_in.verify_code import CodeRejected, SignedIn
from domain.errors import RateRefused
from tests.unit.application.wiring import House, not_this

DAY: Final = 24 * 3600
GUESSES: Final = 10_000
OWNER: Final = "203.0.113.7"

T = TypeVar("T")
Scenario = Callable[[House], Awaitable[str]]
OpenRecords = Callable[[], AbstractAsyncContextManager[Records]]


async def abuse(database: str, open_records: OpenRecords) -> None:
    """Print a line for each scenario over this database, which begins empty for each."""
    for title, scenario in SCENARIOS.items():
        async with open_records() as records:
            house = House(records=records)
            outcome = await scenario(house)
        print(f"{database:<9}{title:<52}{outcome}; messages {len(house.messenger.messages)}")


async def guesses_at_once(house: House) -> str:
    sent = await house.ask(address=OWNER)
    wrong = not_this(house.messenger.messages[-1].code)
    answers = await _all(house.answer(wrong, request_id=sent.request_id) for _ in range(100))
    return _counted(answers)


async def right_answers_at_once(house: House) -> str:
    sent = await house.ask(address=OWNER)
    code = house.messenger.messages[-1].code
    answers = await _all(house.answer(code, request_id=sent.request_id) for _ in range(50))
    return _counted(answers)


async def guesses_all_day(house: House) -> str:
    """Each guess from one of 1,300 addresses, with the latest id, none or a wrong one."""
    answered, refused, request_id = 0, 0, ""
    for number in range(GUESSES):
        house.wait(DAY / GUESSES)
        address = f"2001:db8:{number % 1300:x}::/64"
        if number % 7 == 0:
            with suppress(RateRefused):
                request_id = (await house.ask(address=address)).request_id
        named = (request_id, None, "unknown")[number % 3]
        try:
            await house.answer("000000", address=address, request_id=named)
            answered += 1
        except RateRefused:
            refused += 1
    return f"answered {answered}, refused {refused}"


async def asks_from_everywhere(house: House) -> str:
    answers = await _all(house.ask(address=f"192.0.2.{number % 200}") for number in range(1000))
    sent = sum(isinstance(one, CodeSent) and one.sent for one in answers)
    return f"sent {sent}, refused {sum(isinstance(one, RateRefused) for one in answers)}"


async def a_stranger_burns_every_try(house: House) -> str:
    """All day long, while the owner signs in three times with an app that sends no id.

    The owner has signed in from the same address before, and waits as long as they are told.
    """
    await _signs_in(house)
    house.wait(DAY)
    signed_in = burnt = 0
    for hour in range(24):
        for number in range(40):
            stranger = f"2001:db8:{hour * 40 + number:x}::/64"
            with suppress(RateRefused):
                await house.ask(address=stranger)
            with suppress(RateRefused):
                burnt += isinstance(await house.answer("000000", address=stranger), CodeRejected)
            house.wait(60)
        if hour % 8 == 7:
            signed_in += await _signs_in(house)
        house.wait(DAY / 24 - 40 * 60)
    return f"the owner signed in {signed_in} of 3 times, the stranger was answered {burnt} times"


async def _signs_in(house: House) -> bool:
    for _ in range(3):
        try:
            await house.ask(address=OWNER)
            break
        except RateRefused as refusal:
            house.wait(refusal.retry_after)
    outcome = await house.answer(house.messenger.messages[-1].code, address=OWNER)
    return isinstance(outcome, SignedIn)


async def _all(calls: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    return await asyncio.gather(*calls, return_exceptions=True)


def _counted(answers: Sequence[SignedIn | CodeRejected | BaseException]) -> str:
    counts = Counter(type(one).__name__ for one in answers)
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "100 guesses at one code at once": guesses_at_once,
    "50 right answers at once": right_answers_at_once,
    "10,000 guesses over a day, 1,300 addresses": guesses_all_day,
    "1,000 asks for one phone from 200 addresses at once": asks_from_everywhere,
    "a stranger burns tries all day": a_stranger_burns_every_try,
}
