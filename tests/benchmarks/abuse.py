"""What abuse brings: how many of its guesses were answered, how many messages it sent.

The rules are the domain's; this measures that they hold over a real database, raced at. Time is
simulated, so that a day takes seconds.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import httpx

from application.otp.request_otp import RequestOtpResult
from application.otp.verify_otp import LoggedIn, OtpRejected
from domain.errors import RateLimitExceeded
from tests.benchmarks.databases import databases, records_at
from tests.benchmarks.door import at_the_door
from tests.stateful.hosting import logging_nothing
from tests.support.app_harness import AppHarness, wrong_code
from tests.support.builders import a_phone

DAY: Final = 24 * 3600
GUESSES: Final = 10_000
AT_ONCE: Final = 10
OWNER: Final = "203.0.113.7"

T = TypeVar("T")
Scenario = Callable[[AppHarness], Awaitable[str]]


async def abuse(folder: Path) -> None:
    """Print a line for each scenario over both databases, which begin empty for each."""
    with databases(folder) as found, logging_nothing():
        for name, make in found.items():
            for title, scenario in SCENARIOS.items():
                with make() as address:
                    async with records_at(address) as records:
                        house = AppHarness(repositories=records)
                        outcome = await scenario(house)
                print(f"{name:<8}{title:<53}{outcome}; messages {len(house.messenger.messages)}")


async def guesses_at_once(house: AppHarness) -> str:
    """Over HTTP, a third each: with the id, without one, and by the older family."""
    sent = await house.request_otp(client_ip=OWNER)
    wrong = wrong_code(house.messenger.messages[-1].code)
    return await _answers_at_once(house, wrong, sent.request_id, 102)


async def right_answers_at_once(house: AppHarness) -> str:
    """The same with the code that is right."""
    sent = await house.request_otp(client_ip=OWNER)
    return await _answers_at_once(house, house.messenger.messages[-1].code, sent.request_id, 51)


async def refreshes_at_once(house: AppHarness) -> str:
    """One token, and then the one that it was traded for: half by half."""
    await house.request_otp(client_ip=OWNER)
    code = house.messenger.messages[-1].code
    outcome = await house.verify_otp(code, client_ip=OWNER, with_refresh=True)
    assert isinstance(outcome, LoggedIn)
    token = outcome.tokens.refresh_token
    counts = []
    async with at_the_door(house.use_cases) as http:
        for _ in range(2):
            calls = [http.post("/auth/refresh", json={"refresh_token": token}) for _ in range(50)]
            answers = await asyncio.gather(*calls)
            successors = {one.json().get("refresh_token") for one in answers}
            counts.append(f"{_counted(_status(one) for one in answers)}, {len(successors)} token")
            token = next(iter(successors))
    return "; ".join(counts)


async def guesses_all_day(house: AppHarness) -> str:
    """Ten at once, each from one of 1,300 addresses, with the latest id, none or a wrong one.

    None is what the older family sends.
    """
    answers: list[OtpRejected | LoggedIn | BaseException] = []
    request_id = ""
    for first in range(0, GUESSES, AT_ONCE):
        house.advance(DAY / GUESSES * AT_ONCE)
        with suppress(RateLimitExceeded):
            asked = await house.request_otp(client_ip=_one_of_many(first))
            request_id = asked.request_id
        answers += await _all(
            house.verify_otp(
                "000000",
                client_ip=_one_of_many(number),
                request_id=(request_id, None, "unknown")[number % 3],
            )
            for number in range(first, first + AT_ONCE)
        )
    refused = sum(isinstance(one, RateLimitExceeded) for one in answers)
    return f"answered {len(answers) - refused}, refused {refused}"


def _one_of_many(number: int) -> str:
    return f"2001:db8:{number % 1300:x}::/64"


async def asks_from_everywhere(house: AppHarness) -> str:
    answers = await _all(
        house.request_otp(client_ip=f"192.0.2.{number % 200}") for number in range(1000)
    )
    sent = sum(isinstance(one, RequestOtpResult) and one.sent for one in answers)
    return f"sent {sent}, refused {sum(isinstance(one, RateLimitExceeded) for one in answers)}"


async def a_stranger_burns_every_try(house: AppHarness) -> str:
    """All day long, while the owner signs in three times with an app that sends no id.

    The owner has signed in from the same address before, and waits as long as they are told.
    """
    await _signs_in(house)
    house.advance(DAY)
    signed_in = burnt = 0
    for hour in range(24):
        for number in range(40):
            stranger = f"2001:db8:{hour * 40 + number:x}::/64"
            with suppress(RateLimitExceeded):
                await house.request_otp(client_ip=stranger)
            with suppress(RateLimitExceeded):
                burnt += isinstance(
                    await house.verify_otp("000000", client_ip=stranger), OtpRejected
                )
            house.advance(60)
        if hour % 8 == 7:
            signed_in += await _signs_in(house)
        house.advance(DAY / 24 - 40 * 60)
    return f"the owner signed in {signed_in} of 3 times, the stranger was answered {burnt} times"


async def _signs_in(house: AppHarness) -> bool:
    for _ in range(3):
        try:
            await house.request_otp(client_ip=OWNER)
            break
        except RateLimitExceeded as refusal:
            house.advance(refusal.retry_after)
    outcome = await house.verify_otp(house.messenger.messages[-1].code, client_ip=OWNER)
    return isinstance(outcome, LoggedIn)


async def _answers_at_once(house: AppHarness, code: str, request_id: str, times: int) -> str:
    phone = a_phone().e164
    ways = (
        ("/auth/verify-otp", {"phone": phone, "otp": code, "request_id": request_id}),
        ("/auth/verify-otp", {"phone": phone, "otp": code}),
        ("/authenticate/validate_otp", {"phone": phone, "otp": code}),
    )
    async with at_the_door(house.use_cases) as http:
        calls = [http.post(path, json=body) for path, body in ways * (times // len(ways))]
        return _counted(_verdict(one) for one in await asyncio.gather(*calls))


def _verdict(answer: httpx.Response) -> str:
    if "access_token" in answer.json():
        return "signed in"
    return "wrong" if answer.status_code in (200, 403) else _status(answer)


def _status(answer: httpx.Response) -> str:
    return str(answer.status_code)


async def _all(calls: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    return await asyncio.gather(*calls, return_exceptions=True)


def _counted(answers: Iterable[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(Counter(answers).items()))


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "102 guesses at one code at once, both families": guesses_at_once,
    "51 right answers at once, both families": right_answers_at_once,
    "50 refreshes at once, twice": refreshes_at_once,
    "10,000 guesses over a day, 1,300 addresses": guesses_all_day,
    "1,000 asks for one phone from 200 addresses at once": asks_from_everywhere,
    "a stranger burns tries all day": a_stranger_burns_every_try,
}
