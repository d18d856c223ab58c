"""Several messengers in order."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from application.otp.events import DeliveryRejected
from application.otp.failover import (
    FIRST_PAUSE,
    LATER_PAUSE,
    PAUSED,
    UNKNOWN_TTL,
    FailoverMessenger,
    FailoverProvider,
    ProviderPause,
)
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


async def exit_the_process() -> object:
    raise SystemExit(3)


async def hang(seconds: float = 60) -> object:
    await asyncio.sleep(seconds)  # on the clock of the test
    return None


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        (exit_the_process, "It failed with SystemExit."),
        (fail, "It failed with ValueError."),
        (lambda: hang(0), "It returned NoneType instead of a result."),
        (hang, "The message service does not respond."),
    ],
)
async def test_a_messenger_that_breaks_its_promises_has_an_unknown_result(
    do: Callable[[], object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad, second = BadMessenger(do), FakeMessenger()
    group = group_of(bad, second, send_timeout=59)
    sent = await group.send(a_phone(), a_message())

    assert sent == DeliveryResult(DeliveryStatus.UNKNOWN, reason, provider="number 1")
    assert (len(bad.messages), second.messages) == (1, [])
    raised = caplog.records
    assert len(raised) == ("failed with" in reason)
    assert all(line.msg == {"event": "messenger_failed"} and line.exc_info for line in raised)


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


async def test_after_a_pause_one_message_tries_a_provider_that_is_no_resend(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    pair = Pair(UNKNOWN)
    assert await pair.send() == (1, 0)
    assert events_of(caplog) == ["provider_paused"]
    assert "this worker does not call it before" in await failure_of(pair.group)
    pair.clock.advance(FIRST_PAUSE - SECOND)
    assert await pair.send(5) == (0, 5)
    pair.clock.advance(SECOND)
    assert await pair.send(5, last_provider="number 2") == (0, 5)
    assert await pair.send(5) == (1, 4)
    pair.clock.advance(LATER_PAUSE - SECOND)  # the later pauses are longer
    assert await pair.send(5) == (0, 5)
    pair.clock.advance(SECOND)
    pair.first.result = ACCEPTED
    assert await pair.send(5) == (1, 4)
    assert await pair.send(5) == (5, 0)


@pytest.mark.parametrize("failed", [UNAVAILABLE, NOT_CONNECTED])
async def test_a_provider_that_cannot_take_messages_has_a_pause_beside_another_one(
    failed: DeliveryResult,
) -> None:
    pair = Pair(failed)
    assert await pair.send() == (1, 1)
    assert await pair.send(5) == (0, 5)
    pair.clock.advance(FIRST_PAUSE)
    pair.first.result = ACCEPTED
    assert await pair.send() == (1, 0)
    # Where no other takes the message, it is called whatever it said before.
    pair.first.result = pair.second.result = failed
    for _ in range(4):
        assert await pair.send() == (1, 1)


async def test_a_provider_in_its_pause_is_called_if_no_other_takes_the_message() -> None:
    pair = Pair(UNKNOWN)
    assert await pair.send() == (1, 0)
    pair.second.result = UNAVAILABLE
    pair.first.result = ACCEPTED
    assert await pair.send() == (1, 1)


async def test_of_two_providers_in_their_pauses_the_one_that_lost_less_is_tried_first() -> None:
    pair = Pair(UNKNOWN)
    assert await pair.send() == (1, 0)
    pair.clock.advance(FIRST_PAUSE)
    assert await pair.send() == (1, 0)
    pair.second.result = UNKNOWN
    assert await pair.send() == (0, 1)
    pair.first.result = pair.second.result = ACCEPTED
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


class FailingCheck(FakeMessenger):
    async def check(self) -> None:
        raise ValueError


async def failure_of(group: FailoverMessenger) -> str:
    with pytest.raises(MessengerUnavailable) as error:
        await group.check()
    return str(error.value)


async def test_the_group_is_healthy_as_long_as_one_messenger_is() -> None:
    for other in (FakeMessenger(REJECTED), FailingCheck()):
        await group_of(other, FakeMessenger(ACCEPTED)).check()

    group = group_of(FakeMessenger(REJECTED), FailingCheck())
    assert await failure_of(group) == (
        f"number 1: {REJECTED.reason}; number 2: failed with ValueError"
    )


async def test_an_unknown_delivery_fails_the_health_check_until_it_is_over() -> None:
    seconds = 1000.0
    first = FakeMessenger(UNKNOWN)
    group = group_of(first, now=lambda: seconds)
    await group.send(a_phone(), a_message())

    assert await failure_of(group) == (f"number 1: a recent message may be lost: {UNKNOWN.reason}")
    first.result = ACCEPTED
    await group.send(a_phone(), a_message())
    await group.check()

    first.result = UNKNOWN
    await group.send(a_phone(), a_message())
    seconds += UNKNOWN_TTL - 1
    assert await failure_of(group)
    seconds += 1
    await group.check()
