"""Several messengers in order."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from adapters.failover import FailoverMessenger, FailoverProvider
from adapters.failover.messenger import UNKNOWN_TTL
from application.otp.events import DeliveryRejected
from application.otp.provider_pause import PAUSE, PAUSED, ProviderPause
from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus, Messenger, TextMessage
from application.ports.system import HealthCheck
from domain.phone import PhoneNumber
from tests.support.builders import a_message, a_phone
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import (
    ACCEPTED,
    INVALID_NUMBER,
    NOT_CONNECTED,
    REJECTED,
    UNAVAILABLE,
    UNKNOWN,
    FakeMessenger,
    Message,
)
from tests.support.fakes.security_events import FakeSecurityEvents

SECOND = timedelta(seconds=1)
LAST = DeliveryResult(REJECTED.status, "the last one's")


def group_of(
    *messengers: Messenger, now: Callable[[], float] = lambda: 0.0, **options: Any
) -> FailoverMessenger:
    """Return a group whose messengers are named by their number and checked."""
    clock, checks = options.pop("clock", MovableClock()), cast("Sequence[HealthCheck]", messengers)
    providers = [
        FailoverProvider(f"number {number}", one, ProviderPause(clock))
        for number, one in enumerate(messengers, 1)
    ]
    events = options.pop("events", FakeSecurityEvents())
    return FailoverMessenger(providers, events, checks, now, **options)


@pytest.mark.parametrize(
    ("results", "result", "calls"),
    [
        *(
            ([REJECTED, NOT_CONNECTED, last, ACCEPTED], last, [1, 1, 1, 0])
            for last in (ACCEPTED, UNKNOWN, INVALID_NUMBER)
        ),
        ([REJECTED, REJECTED, LAST], LAST, [1, 1, 1]),
        ([REJECTED, NOT_CONNECTED], REJECTED, [1, 1]),
        ([NOT_CONNECTED, REJECTED], REJECTED, [1, 1]),
        ([NOT_CONNECTED, NOT_CONNECTED], NOT_CONNECTED, [1, 1]),
        ([UNAVAILABLE, NOT_CONNECTED], UNAVAILABLE, [1, 1]),
        # It is not sure that the number is served by the account of the other one.
        ([REJECTED, UNAVAILABLE], REJECTED, [1, 1]),
    ],
)
async def test_the_next_messenger_is_tried_only_after_a_rejection(
    results: Sequence[DeliveryResult], result: DeliveryResult, calls: list[int]
) -> None:
    messengers, message = [*map(FakeMessenger, results)], a_message()
    events = FakeSecurityEvents()

    sent = await group_of(*messengers, events=events).send(a_phone(), message)

    tried = results[: sum(calls)]
    deciding = max(number for number, given in enumerate(tried, 1) if given == result)
    assert sent == replace(result, provider=f"number {deciding}")
    assert [messenger.sent for messenger in messengers] == [[message] * call for call in calls]
    # Each rejection after which the next one was tried.
    passed_over = [f"number {number}" for number in range(1, sum(calls))]
    assert [event.provider for event in events.of_type(DeliveryRejected)] == passed_over
    assert len(events.recorded) == len(passed_over)


async def test_named_messengers_are_tried_first_and_then_the_others() -> None:
    events = FakeSecurityEvents()
    group = group_of(*(FakeMessenger(REJECTED) for _ in range(4)), events=events)

    await group.send(a_phone(), a_message(), ["number 3", "nobody", "number 2"])

    tried = [event.provider for event in events.of_type(DeliveryRejected)]
    assert tried == ["number 3", "number 2", "number 1"]  # the last one is number 4
    assert group.names == ("number 1", "number 2", "number 3", "number 4")


# Messengers that break their promises


class BadMessenger(FakeMessenger):
    """Runs a function instead of sending."""

    def __init__(self, do: Callable[[], object]) -> None:
        super().__init__()
        self.do = do

    def send(self, phone: PhoneNumber, message: TextMessage, order: Sequence[str] = ()) -> Any:
        del order
        self.messages.append(Message(phone, message.text))
        return self.do()


def fail() -> object:
    raise ValueError("a text with +14155552671 and 123456")


async def cancel_itself() -> object:
    raise asyncio.CancelledError


async def exit_the_process() -> object:
    raise SystemExit(3)


async def return_nothing() -> object:
    return None


async def hang() -> object:
    return await asyncio.Event().wait()


async def ignore_cancellation() -> object:
    for _ in range(3):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.02)  # longer than until it is cancelled
    return fail()


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        (fail, "It failed with ValueError."),
        (exit_the_process, "It failed with SystemExit."),
        (lambda: ACCEPTED, "It failed with TypeError."),
        (return_nothing, "It returned NoneType instead of a result."),
        (cancel_itself, "It failed with CancelledError."),
        (hang, "The message service does not respond."),
        (ignore_cancellation, "The message service does not respond."),
    ],
)
async def test_a_messenger_that_breaks_its_promises_has_an_unknown_result_and_a_log_line(
    do: Callable[[], object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad, second = BadMessenger(do), FakeMessenger()
    is_late = do in (hang, ignore_cancellation)
    group = group_of(bad, second, send_timeout=0.01 if is_late else 60)
    sent = await group.send(a_phone(), a_message())

    assert sent == DeliveryResult(DeliveryStatus.UNKNOWN, reason, provider="number 1")
    assert (len(bad.messages), second.messages) == (1, [])
    *raised, record = caplog.records
    assert record.msg == {"event": "delivery_unknown", "provider": "number 1", "reason": reason}
    assert len(raised) == ("failed with" in reason)
    assert all(line.msg == {"event": "messenger_failed"} and line.exc_info for line in raised)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait([task])  # what it does after its time has no effect


async def test_a_cancelled_request_cancels_the_messenger() -> None:
    sending = asyncio.create_task(group_of(BadMessenger(hang)).send(a_phone(), a_message()))
    await asyncio.sleep(0)
    before = len(asyncio.all_tasks())
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) < before


async def test_after_three_unknown_results_a_provider_is_not_called_for_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = MovableClock()
    first, second = FakeMessenger(UNKNOWN), FakeMessenger(ACCEPTED)
    group = group_of(first, second, clock=clock)

    async def send(count: int = 1) -> tuple[int, int]:
        """Send messages at once, and return how many went to each provider."""
        before = len(first.messages), len(second.messages)
        await asyncio.gather(*(group.send(a_phone(), a_message()) for _ in range(count)))
        return len(first.messages) - before[0], len(second.messages) - before[1]

    assert [await send() for _ in range(4)] == [(1, 0), (1, 0), (1, 0), (0, 1)]
    lines = [record.msg for record in caplog.records]
    assert [line["event"] for line in lines if isinstance(line, dict)] == [
        *["delivery_unknown"] * 3,
        "provider_paused",
    ]
    clock.advance(PAUSE - SECOND)
    assert await send(5) == (0, 5)
    # Then one message tries it again, whatever the others do meanwhile.
    clock.advance(SECOND)
    assert await send(5) == (1, 4)
    clock.advance(PAUSE)
    first.result = ACCEPTED
    assert await send(5) == (1, 4)
    assert await send(5) == (5, 0)
    # Only unknown results in a row count.
    for result in (UNKNOWN, UNKNOWN, REJECTED, UNKNOWN, UNKNOWN):
        first.result = result
        assert (await send())[0] == 1
    assert group.retry_after() == 0


async def test_while_all_providers_pause_none_is_called() -> None:
    clock, only = MovableClock(), FakeMessenger(UNKNOWN)
    group = group_of(only, clock=clock)
    for _ in range(3):
        assert group.retry_after() == 0
        assert (await group.send(a_phone(), a_message())).status is DeliveryStatus.UNKNOWN
    clock.advance(20 * SECOND)

    assert group.retry_after() == 40
    assert await group.send(a_phone(), a_message()) == replace(PAUSED, provider="number 1")
    assert len(only.messages) == 3


class HangingMessenger(FakeMessenger):
    async def check(self) -> None:
        await asyncio.Event().wait()


class FailingCheck(FakeMessenger):
    async def check(self) -> None:
        raise ValueError


async def failure_of(group: FailoverMessenger) -> str:
    with pytest.raises(MessengerUnavailable) as error:
        await group.check()
    return str(error.value)


async def test_the_group_is_healthy_as_long_as_one_messenger_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for other in (FakeMessenger(REJECTED), HangingMessenger(), FailingCheck()):
        await group_of(other, FakeMessenger(ACCEPTED)).check()

    group = group_of(FakeMessenger(REJECTED), FailingCheck())
    caplog.clear()
    for _ in range(2):
        assert await failure_of(group) == f"{REJECTED.reason}; failed with ValueError"
    [line] = caplog.records
    assert (line.msg, bool(line.exc_info)) == ({"event": "health_check_failed"}, True)


async def test_an_unknown_delivery_fails_the_health_check_until_it_is_over() -> None:
    seconds = 1000.0
    first, second = FakeMessenger(UNKNOWN), FakeMessenger(ACCEPTED)
    group = group_of(first, second, now=lambda: seconds)
    await group.send(a_phone(), a_message())

    # The second messenger is healthy, but it is not tried after an unknown result.
    assert await failure_of(group) == f"A recent message may be lost: {UNKNOWN.reason}"
    first.result = REJECTED
    await group.send(a_phone(), a_message())
    assert await failure_of(group)
    first.result = ACCEPTED
    await group.send(a_phone(), a_message())
    await group.check()

    first.result = UNKNOWN
    await group.send(a_phone(), a_message())
    seconds += UNKNOWN_TTL - 1
    assert await failure_of(group)
    seconds += 1
    await group.check()
