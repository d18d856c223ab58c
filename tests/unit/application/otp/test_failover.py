"""Several messengers in order."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from application.otp.events import DeliveryRejected
from application.otp.failover import UNKNOWN_TTL, FailoverMessenger, FailoverProvider
from application.otp.provider_pause import FIRST_PAUSE, LATER_PAUSE, PAUSE, PAUSED, ProviderPause
from application.ports.errors import MessengerUnavailable
from application.ports.otp import (
    DeliveryResult,
    DeliveryStatus,
    Messenger,
    PausedProvider,
    TextMessage,
)
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
        FailoverProvider(name, one, ProviderPause(clock, has_other=len(messengers) > 1, name=name))
        for name, one in zip(("number 1", "number 2", "number 3"), messengers, strict=False)
    ]
    events = options.pop("events", FakeSecurityEvents())
    return FailoverMessenger(providers, events, now, checks, **options)


@pytest.mark.parametrize(
    ("results", "result", "calls"),
    [
        *(
            ([REJECTED, NOT_CONNECTED, last, ACCEPTED], last, [1, 1, 1, 0])
            for last in (ACCEPTED, UNKNOWN, INVALID_NUMBER)
        ),
        ([REJECTED, REJECTED, LAST], LAST, [1, 1, 1]),
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
    # The caller reports the one that decides, so that each is reported once.
    reported = [*(event.provider for event in events.of_type(DeliveryRejected)), sent.provider]
    assert sorted(reported) == [f"number {number}" for number, _ in enumerate(tried, 1)]
    assert len(events.recorded) == len(tried) - 1


@pytest.mark.parametrize(
    ("last_provider", "order"),
    [("", "123"), ("number 1", "231"), ("number 3", "123"), ("x", "123")],
)
async def test_a_message_that_is_sent_again_begins_after_the_provider_that_had_it(
    last_provider: str, order: str
) -> None:
    events = FakeSecurityEvents()
    group = group_of(*(FakeMessenger(REJECTED) for _ in range(3)), events=events)

    result = await group.send(a_phone(), a_message(), last_provider)

    tried = [*(event.provider for event in events.of_type(DeliveryRejected)), result.provider]
    assert tried == [f"number {number}" for number in order]
    assert group.names == ("number 1", "number 2", "number 3")


# Messengers that break their promises


class BadMessenger(FakeMessenger):
    """Runs a function instead of sending."""

    def __init__(self, do: Callable[[], object]) -> None:
        super().__init__()
        self.do = do

    def send(self, phone: PhoneNumber, message: TextMessage, last_provider: str = "") -> Any:
        del last_provider
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
        (exit_the_process, "It failed with SystemExit."),
        (fail, "It failed with ValueError."),
        (return_nothing, "It returned NoneType instead of a result."),
        (cancel_itself, "It failed with CancelledError."),
        (hang, "The message service does not respond."),
        (ignore_cancellation, "The message service does not respond."),
    ],
)
async def test_a_messenger_that_breaks_its_promises_has_an_unknown_result(
    do: Callable[[], object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad, second = BadMessenger(do), FakeMessenger()
    is_late = do in (hang, ignore_cancellation)
    group = group_of(bad, second, send_timeout=0.01 if is_late else 60)
    sent = await group.send(a_phone(), a_message())

    assert sent == DeliveryResult(DeliveryStatus.UNKNOWN, reason, provider="number 1")
    assert (len(bad.messages), second.messages) == (1, [])
    raised = caplog.records
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


class Pair:
    """Two providers in their order, and a clock."""

    def __init__(self, first: DeliveryResult) -> None:
        self.clock = MovableClock()
        self.first, self.second = FakeMessenger(first), FakeMessenger(ACCEPTED)
        self.group = group_of(self.first, self.second, clock=self.clock)

    async def send(self, count: int = 1, last_provider: str = "") -> tuple[int, int]:
        """Send messages at once, and return how many went to each provider."""
        before = len(self.first.messages), len(self.second.messages)
        messages = [self.group.send(a_phone(), a_message(), last_provider) for _ in range(count)]
        await asyncio.gather(*messages)
        return len(self.first.messages) - before[0], len(self.second.messages) - before[1]


def events_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]


async def test_of_ten_messages_in_ten_minutes_a_provider_that_fails_loses_two(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    pair = Pair(UNKNOWN)

    lost = []
    for minute in range(10):
        lost += [minute] if (await pair.send())[0] else []
        pair.clock.advance(60 * SECOND)

    assert lost == [0, 5]
    assert events_of(caplog) == ["provider_paused"] * 2


async def test_a_busy_provider_is_left_after_three_unknown_results_in_a_row() -> None:
    pair = Pair(ACCEPTED)
    for number in range(60):  # ten a second
        pair.first.result = UNKNOWN if number % 20 == 19 else ACCEPTED
        assert await pair.send() == (1, 0)
        pair.clock.advance(SECOND / 10)

    pair.first.result = UNKNOWN
    assert [await pair.send() for _ in range(3)] == [(1, 0), (1, 0), (0, 1)]


async def test_after_a_pause_one_message_tries_a_provider_that_is_no_resend() -> None:
    pair = Pair(UNKNOWN)
    assert await pair.send() == (1, 0)
    pair.clock.advance(FIRST_PAUSE - SECOND)
    assert await pair.send(5) == (0, 5)
    pair.clock.advance(SECOND)
    assert await pair.send(5, last_provider="number 2") == (0, 5)
    assert await pair.send(5) == (1, 4)
    for _ in range(2):  # the later pauses are longer
        pair.clock.advance(LATER_PAUSE - SECOND)
        assert await pair.send(5) == (0, 5)
        pair.clock.advance(SECOND)
        assert await pair.send(5) == (1, 4)
    pair.clock.advance(LATER_PAUSE)
    pair.first.result = ACCEPTED
    assert await pair.send(5) == (1, 4)
    assert await pair.send(5) == (5, 0)


async def test_a_provider_in_its_pause_is_called_if_no_other_takes_the_message() -> None:
    pair = Pair(UNKNOWN)
    assert await pair.send() == (1, 0)
    pair.second.result = UNAVAILABLE
    pair.first.result = ACCEPTED
    assert await pair.send() == (1, 1)

    # Where both are down, each has the pause of an only one.
    pair.first.result = pair.second.result = UNKNOWN
    assert [await pair.send() for _ in range(6)] == [(1, 0), (0, 1)] * 3
    assert await pair.send() == (0, 0)
    assert pair.group.find_pause() == PausedProvider(
        "number 1", UNKNOWN.reason, pair.clock.now() + PAUSE
    )


async def test_of_providers_in_a_pause_the_one_that_lost_less_is_tried_first() -> None:
    pair = Pair(UNKNOWN)
    assert await pair.send() == (1, 0)
    pair.clock.advance(FIRST_PAUSE)
    assert await pair.send() == (1, 0)
    pair.second.result = UNKNOWN
    assert await pair.send() == (0, 1)
    pair.second.result = ACCEPTED
    assert await pair.send() == (0, 1)


async def test_the_only_provider_is_not_called_for_a_minute_after_three_unknown_results(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock, only = MovableClock(), FakeMessenger(UNKNOWN)
    group = group_of(only, clock=clock)
    for _ in range(3):
        assert group.find_pause() is None
        assert (await group.send(a_phone(), a_message())).status is DeliveryStatus.UNKNOWN
    assert events_of(caplog) == ["provider_paused"]
    clock.advance(20 * SECOND)

    pause = group.find_pause()
    assert pause == PausedProvider("number 1", UNKNOWN.reason, clock.now() + 40 * SECOND)
    assert await group.send(a_phone(), a_message()) == replace(PAUSED, provider="number 1")
    assert len(only.messages) == 3

    # Then one message tries it again, whatever the others do meanwhile.
    clock.advance(40 * SECOND)
    await asyncio.gather(*(group.send(a_phone(), a_message(), "number 1") for _ in range(5)))
    assert len(only.messages) == 4
    clock.advance(PAUSE)
    # Only unknown results in a row count.
    for only.result in (ACCEPTED, UNKNOWN, UNKNOWN, REJECTED, UNKNOWN, UNKNOWN):
        await group.send(a_phone(), a_message())
    assert group.find_pause() is None


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
        assert await failure_of(group) == (
            f"number 1: {REJECTED.reason}; number 2: failed with ValueError"
        )
    [line] = caplog.records
    assert (line.msg, bool(line.exc_info)) == ({"event": "health_check_failed"}, True)


async def test_the_health_check_names_who_has_a_pause_and_until_when() -> None:
    pair = Pair(UNKNOWN)
    await pair.send()
    until = pair.clock.now() + FIRST_PAUSE
    assert await failure_of(pair.group) == (
        f"number 1: a recent message may be lost: {UNKNOWN.reason}; "
        f"this worker does not call it before {until:%H:%M:%S} UTC"
    )


async def test_an_unknown_delivery_fails_the_health_check_until_it_is_over() -> None:
    seconds = 1000.0
    first = FakeMessenger(UNKNOWN)
    group = group_of(first, now=lambda: seconds)
    await group.send(a_phone(), a_message())

    assert await failure_of(group) == (f"number 1: a recent message may be lost: {UNKNOWN.reason}")
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
