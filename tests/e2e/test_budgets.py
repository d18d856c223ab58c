"""Budgets that many phones share, as the clients of a running service meet them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.databases import DATABASES, Database
from tests.e2e.own_messenger import OwnMessenger
from tests.e2e.small_budgets import (
    AMERICA,
    BEHIND_A_PROXY,
    BRAZIL,
    BRITAIN,
    CHECKS,
    FRANCE,
    GERMANY,
    INDIA,
    ITALY,
    PER_ADDRESS,
    PER_COUNTRY,
    SPAIN,
    SWEDEN,
    Instance,
    client,
    phone,
    services,
)
from tests.support.service import Service

COOL_DOWN = 15
# Rounded up; who raced for the slot may have come a moment later than who is told of it.
AN_HOUR, A_QUARTER = 3601, 901
IN_ALL = 20
OLDER_ASK, OLDER_ANSWER = "/authenticate/get_otp", "/authenticate/validate_otp"
TOO_MANY = "Too many requests 429 Too Many Requests: "


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.__name__)
def database(request: pytest.FixtureRequest) -> Database:
    given: Database = request.param
    return given


@pytest.fixture(scope="module")
def started(
    request: pytest.FixtureRequest, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One service for all tests that bring addresses and countries of their own."""
    folder, environ = tmp_path_factory.mktemp("rate_limiter"), database(request)
    with services(folder, {**environ, **BEHIND_A_PROXY}) as [service]:
        yield service


@pytest.fixture
async def instance(started: Service) -> AsyncIterator[Instance]:
    async with client(started) as http:
        yield Instance(started, OwnMessenger(started.folder), http)


def seconds_to_wait(answer: httpx.Response, code: str = "too_many_asks") -> int:
    """Check a refusal for rate, and give what it tells: always the same in header and body."""
    assert (answer.status_code, answer.json()["code"]) == (429, code), answer.text
    assert answer.headers["retry-after"] == str(answer.json()["retry_after"])
    return int(answer.headers["retry-after"])


def seconds_to_wait_of_older(answer: httpx.Response) -> int:
    """The same of the older app's family, which tells it in the header only."""
    assert (answer.status_code, answer.json()["exit_code"]) == (429, 1), answer.text
    assert answer.json()["error"].startswith(TOO_MANY)
    return int(answer.headers["retry-after"])


def is_sent(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.json()["sent"] is True


async def spend(instance: Instance, beginning: str, address: str) -> None:
    """Use up all messages of an address."""
    for number in range(PER_ADDRESS):
        assert is_sent(await instance.ask(phone(beginning, number), address))


async def test_a_spent_address_is_told_when_to_come_back_in_either_family(
    instance: Instance,
) -> None:
    numbers = [phone(GERMANY, number) for number in range(5)]
    await spend(instance, GERMANY, "198.51.100.1")

    refused = await instance.ask(numbers[3], "198.51.100.1")
    older = await instance.ask(numbers[3], "198.51.100.1", OLDER_ASK)

    assert COOL_DOWN < seconds_to_wait(refused) <= AN_HOUR
    assert COOL_DOWN < seconds_to_wait_of_older(older) <= AN_HOUR
    assert instance.messages(numbers) == PER_ADDRESS
    assert is_sent(await instance.ask(numbers[3], "198.51.100.2"))
    older = await instance.ask(numbers[4], "198.51.100.2", OLDER_ASK)
    assert (older.status_code, older.json()["exit_code"]) == (200, 0)


@pytest.mark.parametrize(
    ("beginning", "addresses", "elsewhere", "limit"),
    [
        (BRITAIN, ["198.51.100.3"], (phone(BRITAIN, 50), "198.51.100.4"), PER_ADDRESS),
        (
            FRANCE,
            [f"2001:db8:1:1::{number:x}" for number in range(50)],
            (phone(FRANCE, 50), "2001:db8:1:2::1"),
            PER_ADDRESS,
        ),
        (
            ITALY,
            [f"2001:db8:2:{number:x}::1" for number in range(50)],
            (phone(ITALY, 50), "2001:db8:3::1"),
            10 * PER_ADDRESS,
        ),
        (
            SPAIN,
            [f"198.51.101.{number}" for number in range(50)],
            (phone(SWEDEN, 0), "198.51.101.0"),
            PER_COUNTRY,
        ),
    ],
    ids=["IPv4", "a /64", "a /48", "a country"],
)
async def test_of_fifty_messages_at_once_exactly_as_many_go_out_as_the_budget_has(
    instance: Instance,
    beginning: str,
    addresses: list[str],
    elsewhere: tuple[str, str],
    limit: int,
) -> None:
    numbers = [phone(beginning, number) for number in range(50)]

    answers = await asyncio.gather(
        *(
            instance.ask(one, addresses[number % len(addresses)])
            for number, one in enumerate(numbers)
        )
    )

    assert Counter(map(is_sent, answers)) == {True: limit, False: 50 - limit}
    waits = [seconds_to_wait(one) for one in answers if not is_sent(one)]
    assert {one for one in waits if not COOL_DOWN < one <= AN_HOUR} == set()
    assert instance.messages(numbers) == limit
    assert is_sent(await instance.ask(*elsewhere))


async def test_of_fifty_checks_at_once_exactly_as_many_are_made_as_the_budget_has(
    instance: Instance,
) -> None:
    numbers = [phone(AMERICA, number) for number in range(50)]

    answers = await asyncio.gather(
        *(instance.answer(one, "000000", "198.51.100.5") for one in numbers)
    )

    made = [one for one in answers if one.status_code == 200]
    assert [one.json()["success"] for one in made] == [False] * CHECKS
    waits = [seconds_to_wait(one, "too_many_tries") for one in answers if one not in made]
    assert len(waits) == 50 - CHECKS
    assert {one for one in waits if not COOL_DOWN < one <= AN_HOUR} == set()
    older = await instance.answer(numbers[0], "000000", "198.51.100.5", OLDER_ANSWER)
    assert COOL_DOWN < seconds_to_wait_of_older(older) <= AN_HOUR
    elsewhere = await instance.answer(numbers[0], "000000", "198.51.100.6")
    assert (elsewhere.status_code, elsewhere.json()["success"]) == (200, False)


async def test_of_thirty_addresses_that_want_one_phones_code_at_once_one_gets_it(
    instance: Instance,
) -> None:
    wanted = phone(AMERICA, 60)

    answers = await asyncio.gather(
        *(instance.ask(wanted, f"198.51.102.{number}") for number in range(30))
    )

    assert sum(map(is_sent, answers)) == instance.messages([wanted]) == 1
    waits = [seconds_to_wait(one) for one in answers if not is_sent(one)]
    assert {one for one in waits if not COOL_DOWN < one <= A_QUARTER} == set()


async def test_a_phone_has_a_budget_and_each_address_its_share_of_it(instance: Instance) -> None:
    wanted = phone(AMERICA, 61)

    first = await instance.ask(wanted, "198.51.100.7")

    assert A_QUARTER < first.json()["resend_in"] <= AN_HOUR
    elsewhere = await instance.ask(wanted, "198.51.100.8")
    assert COOL_DOWN < seconds_to_wait(elsewhere) <= A_QUARTER


async def test_who_signed_in_from_here_waits_for_the_cool_down_only(instance: Instance) -> None:
    wanted, address = phone(AMERICA, 62), "198.51.100.9"
    await instance.ask(wanted, address)
    await sign_in(instance, wanted, address)

    assert seconds_to_wait(await instance.ask(wanted, address)) <= COOL_DOWN


async def sign_in(instance: Instance, number: str, address: str) -> None:
    [code] = instance.service.messages(number)
    answer = await instance.answer(number, code, address)
    assert answer.json()["success"] is True


async def test_a_repeat_in_the_cool_down_costs_nothing_and_says_that_nothing_was_sent(
    instance: Instance,
) -> None:
    numbers = [phone(INDIA, number) for number in range(4)]
    first = await instance.ask(numbers[0], "198.51.100.10")
    for _ in range(10):
        again = await instance.ask(numbers[0], "198.51.100.10")
        assert (again.status_code, again.json()["sent"]) == (200, False)
        assert again.json()["request_id"] == first.json()["request_id"]

    for number in numbers[1:PER_ADDRESS]:
        assert is_sent(await instance.ask(number, "198.51.100.10"))

    seconds_to_wait(await instance.ask(numbers[PER_ADDRESS], "198.51.100.10"))
    again = await instance.ask(numbers[0], "198.51.100.10")
    assert (again.status_code, again.json()["sent"]) == (200, False)
    assert instance.messages(numbers) == PER_ADDRESS


async def test_a_verified_code_gives_its_addresss_slot_back(instance: Instance) -> None:
    numbers = [phone(BRITAIN, 60 + number) for number in range(CHECKS + PER_ADDRESS + 1)]
    for number in numbers[:CHECKS]:
        assert is_sent(await instance.ask(number, "198.51.100.11"))
        await sign_in(instance, number, "198.51.100.11")

    for number in numbers[CHECKS : CHECKS + PER_ADDRESS]:
        assert is_sent(await instance.ask(number, "198.51.100.11"))
    seconds_to_wait(await instance.ask(numbers[-1], "198.51.100.11"))


async def test_who_is_no_trusted_proxy_cannot_say_where_it_asks_from(tmp_path: Path) -> None:
    numbers = [phone(BRAZIL, number) for number in range(50)]
    with services(tmp_path, {}) as [service]:
        async with client(service) as http:
            instance = Instance(service, OwnMessenger(tmp_path), http)
            answers = await asyncio.gather(
                *(instance.ask(one, f"198.51.100.{number}") for number, one in enumerate(numbers))
            )
    assert sum(map(is_sent, answers)) == instance.messages(numbers) == PER_ADDRESS


async def test_two_services_on_one_database_share_what_all_may_send(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> None:
    beginnings = (GERMANY, INDIA)
    numbers = [phone(beginnings[number % 2], number) for number in range(50)]
    environ = {
        **database(request),
        **BEHIND_A_PROXY,
        "DIALTONE_SMS_LIMIT_TOTAL": f"{IN_ALL}/1h",
    }
    async with AsyncExitStack() as stack:
        both = stack.enter_context(services(tmp_path, environ, count=2))
        sender = OwnMessenger(tmp_path)
        instances = [
            Instance(one, sender, await stack.enter_async_context(client(one))) for one in both
        ]

        await spend(instances[0], SWEDEN, "198.51.100.1")
        seconds_to_wait(await instances[1].ask(phone(SWEDEN, 9), "198.51.100.1"))
        answers = await asyncio.gather(
            *(
                instances[number // 2 % 2].ask(one, f"198.51.103.{number}")
                for number, one in enumerate(numbers)
            )
        )

    left = IN_ALL - PER_ADDRESS
    assert sum(map(is_sent, answers)) == instances[0].messages(numbers) == left
    waits = [seconds_to_wait(one) for one in answers if not is_sent(one)]
    assert {one for one in waits if not COOL_DOWN < one <= AN_HOUR} == set()
