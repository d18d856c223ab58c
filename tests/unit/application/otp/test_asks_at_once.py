"""However many ask at the same time, no message too many goes out."""

import asyncio
from collections import Counter

import pytest

from application.wiring import Policy
from domain.errors import TooManyOtpRequests
from domain.otp.delivery_policy import DeliveryPolicy
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.fakes.messenger import REJECTED, UNKNOWN
from tests.unit.application.wiring import House

pytestmark = pytest.mark.exhaustive


@pytest.fixture
def house() -> House:
    return House()


async def ask_at_once(house: House, addresses: list[str]) -> Counter[str]:
    """Ask from all addresses at once; say how often what came of it."""
    asks = (house.ask(address=address) for address in addresses)
    outcomes = await asyncio.gather(*asks, return_exceptions=True)
    told: Counter[str] = Counter()
    for outcome in outcomes:
        if isinstance(outcome, TooManyOtpRequests):
            told["refused"] += 1
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            told["sent" if outcome.sent else "referred"] += 1
    return told


async def test_five_hundred_asks_at_once_send_one_message(house: House) -> None:
    told = await ask_at_once(house, [CLIENT_IP] * 500)
    assert told == {"sent": 1, "referred": 499}
    assert len(house.messenger.messages) == 1


async def test_five_hundred_asks_from_everywhere_send_one_message(house: House) -> None:
    told = await ask_at_once(house, [f"address {number}" for number in range(500)])
    assert told == {"sent": 1, "refused": 499}
    assert len(house.messenger.messages) == 1


async def test_all_that_are_referred_get_the_id_of_the_one_that_was_sent(house: House) -> None:
    answers = await asyncio.gather(*(house.ask() for _ in range(100)))
    assert len({answer.request_id for answer in answers}) == 1


async def test_without_a_cool_down_five_hundred_asks_send_what_the_budget_has() -> None:
    limits = DeliveryPolicy(cooldown=DeliveryPolicy().cooldown * 0)
    house = House(rules=Policy(delivery_policy=limits))
    told = await ask_at_once(house, [f"address {number}" for number in range(500)])
    assert told == {"sent": 5, "refused": 495}
    assert len(house.messenger.messages) == 5


async def test_an_ask_while_the_message_is_under_way_is_referred_to_it(house: House) -> None:
    house.messenger.gate = asyncio.Event()
    first = asyncio.create_task(house.ask())
    await house.messenger.arrived.wait()
    again = await house.ask()
    house.messenger.gate.set()
    assert not again.sent
    assert again.request_id == (await first).request_id


async def test_the_cool_down_runs_from_the_receipt_of_the_ask(house: House) -> None:
    house.messenger.gate = asyncio.Event()
    first = asyncio.create_task(house.ask())
    await house.messenger.arrived.wait()
    house.wait(10)
    house.messenger.gate.set()
    sent = await first
    assert (sent.resend_in, sent.expires_in) == (5, 290)
    house.wait(5)
    assert (await house.ask()).sent


async def test_a_message_refused_late_takes_nothing_from_one_accepted_meanwhile(
    house: House,
) -> None:
    house.messenger.gate = asyncio.Event()
    house.messenger.result = REJECTED
    first = asyncio.create_task(house.ask())
    await house.messenger.arrived.wait()
    house.wait(15)
    gate, house.messenger.gate, house.messenger.result = house.messenger.gate, None, UNKNOWN
    second = await house.ask()
    house.messenger.result = REJECTED
    gate.set()
    await asyncio.gather(first, return_exceptions=True)
    record = house.database.phone_verifications[a_phone()].value
    assert [send.request_id for send in record.deliveries] == [second.request_id]
    assert len(record.active_challenges(house.clock.now())) == 1
