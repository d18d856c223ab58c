"""Several messengers in order."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from adapters.failover import FailoverMessenger
from adapters.failover.messenger import UNKNOWN_TTL
from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryResult
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, INVALID_NUMBER, REJECTED, UNKNOWN, FakeMessenger

LAST = DeliveryResult(REJECTED.status, "the last one's")


@pytest.mark.parametrize(
    ("results", "result", "calls"),
    [
        *(([last, ACCEPTED], last, [1, 0]) for last in (ACCEPTED, UNKNOWN, INVALID_NUMBER)),
        *(
            ([REJECTED, last, ACCEPTED], last, [1, 1, 0])
            for last in (ACCEPTED, UNKNOWN, INVALID_NUMBER)
        ),
        ([REJECTED, REJECTED, LAST], LAST, [1, 1, 1]),
    ],
)
async def test_the_next_messenger_is_tried_only_after_a_rejection(
    results: Sequence[DeliveryResult], result: DeliveryResult, calls: list[int]
) -> None:
    messengers, url = [*map(FakeMessenger, results)], "https://dialtone.example.org/sms/status"

    sent = await FailoverMessenger(messengers).send(a_phone(), "123456 is your code", url)

    assert sent == result
    assert [messenger.status_urls for messenger in messengers] == [[url] * call for call in calls]


class HangingMessenger(FakeMessenger):
    async def check(self) -> None:
        await asyncio.Event().wait()


def group_of(
    members: Sequence[FakeMessenger], now: Callable[[], float] = lambda: 0.0
) -> FailoverMessenger:
    return FailoverMessenger(members, members, now)


async def failure_of(group: FailoverMessenger) -> str:
    with pytest.raises(MessengerUnavailable) as error:
        await group.check()
    return str(error.value)


async def test_the_group_is_healthy_as_long_as_one_messenger_is() -> None:
    for other in (FakeMessenger(REJECTED), HangingMessenger()):
        await group_of([other, FakeMessenger(ACCEPTED)]).check()

    group = group_of([FakeMessenger(REJECTED), FakeMessenger(REJECTED)])
    assert await failure_of(group) == f"{REJECTED.reason}; {REJECTED.reason}"


async def test_an_unknown_delivery_fails_the_health_check_until_it_is_over() -> None:
    seconds = 1000.0
    first, second = FakeMessenger(UNKNOWN), FakeMessenger(ACCEPTED)
    group = group_of([first, second], lambda: seconds)
    await group.send(a_phone(), "")

    # The second messenger is healthy, but it is not tried after an unknown result.
    assert await failure_of(group) == f"A recent message may be lost: {UNKNOWN.reason}"
    first.result = REJECTED
    await group.send(a_phone(), "")
    assert await failure_of(group)
    first.result = ACCEPTED
    await group.send(a_phone(), "")
    await group.check()

    first.result = UNKNOWN
    await group.send(a_phone(), "")
    seconds += UNKNOWN_TTL - 1
    assert await failure_of(group)
    seconds += 1
    await group.check()
