"""Several messengers in order."""

import asyncio

import pytest

from adapters.failover import FailoverHealthCheck, FailoverMessenger
from application.ports.errors import MessengerUnavailable
from application.ports.messenger import DeliveryResult
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN, FakeMessenger


async def send_with(*results: DeliveryResult) -> tuple[DeliveryResult, list[int]]:
    """Send by messengers with these results; return the result and the calls of each."""
    messengers = [FakeMessenger(result) for result in results]
    result = await FailoverMessenger(messengers).send(a_phone(), "123456 is your code")
    return result, [len(messenger.messages) for messenger in messengers]


@pytest.mark.parametrize("result", [ACCEPTED, UNKNOWN, INVALID_NUMBER])
async def test_the_next_messenger_is_tried_only_after_a_rejection(result: DeliveryResult) -> None:
    assert await send_with(result, ACCEPTED) == (result, [1, 0])
    assert await send_with(REJECTED, result, ACCEPTED) == (result, [1, 1, 0])


async def test_each_messenger_gets_the_url_for_the_status() -> None:
    messengers = [FakeMessenger(REJECTED), FakeMessenger()]
    url = "https://dialtone.example.org/sms/status?delivery=4f2a"

    await FailoverMessenger(messengers).send(a_phone(), "123456 is your code", url)

    assert [messenger.status_urls for messenger in messengers] == [[url], [url]]


async def test_if_all_messengers_reject_the_last_result_is_returned() -> None:
    last = DeliveryResult(REJECTED.status, "the last one's")

    assert await send_with(REJECTED, REJECTED, last) == (last, [1, 1, 1])


async def test_the_group_is_healthy_as_long_as_one_messenger_is() -> None:
    await FailoverHealthCheck([FakeMessenger(REJECTED), FakeMessenger(ACCEPTED)]).check()

    with pytest.raises(MessengerUnavailable) as error:
        await FailoverHealthCheck([FakeMessenger(REJECTED), FakeMessenger(REJECTED)]).check()

    assert str(error.value) == f"{REJECTED.reason}; {REJECTED.reason}"


class HangingHealthCheck:
    async def check(self) -> None:
        await asyncio.Event().wait()


async def test_a_health_check_that_hangs_does_not_block_the_others() -> None:
    await FailoverHealthCheck([HangingHealthCheck(), FakeMessenger(ACCEPTED)]).check()
