"""The promises of the port that takes events of users."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from application.features.events.send_events import MAX_EVENT_ID_LENGTH, Event, EventRejected
from domain.identities.user_events import EventType
from tests.contract.suites.events.driver import EventsDriver
from tests.contract.suites.outcomes import expect_errors, observe
from tests.contract.suites.provider_driver import FAILED_CALLS, LOST_ANSWERS, LostAnswer

NOW: Final = datetime(2026, 5, 1, tzinfo=UTC)
USER_ID: Final = "6561a2b0c3d4e5f60718293a"
PHONE: Final = "+14155550001"
SEND_SECONDS: Final = 6
"""See the port."""


def an_event(number: int = 1, event_type: EventType = EventType.USER_UPDATED) -> Event:
    """Return a different event for each number."""
    return Event(
        id=f"evt_{USER_ID}_{number}", type=event_type, occurred_at=NOW, user_id=USER_ID, phone=PHONE
    )


async def send(events_driver: EventsDriver, event: Event) -> None:
    """Send an event; fail in words if it is not accepted."""
    outcome = await observe(events_driver.destination.send(event), SEND_SECONDS)
    expected = "An accepted event returns None, all else is EventRejected"
    assert outcome.words == "returned None", f"send {outcome.words}. {expected}."


async def ids_of_received(events_driver: EventsDriver) -> list[str]:
    """Return the ids of what the receiver got, in their order."""
    return [event.id for event in await events_driver.received()]


async def expect_received(events_driver: EventsDriver, *events: Event) -> None:
    """Fail unless the receiver got these events in this order, and no others."""
    received = await ids_of_received(events_driver)
    expected = [event.id for event in events]
    assert received == expected, f"send accepted {expected!r}, and {received!r} arrived"


async def test_events_of_all_types_arrive_in_their_order(events_driver: EventsDriver) -> None:
    events = [an_event(number, event_type) for number, event_type in enumerate(EventType, 1)]
    for event in events:
        await send(events_driver, event)
    await expect_received(events_driver, *events)


def parse_time(at: Any) -> datetime | None:
    """Return a time that has a zone, also of its text; None if it is none."""
    try:
        parsed = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else None


async def test_an_event_arrives_with_its_own_type_time_user_and_phone(
    events_driver: EventsDriver,
) -> None:
    events = [
        replace(
            an_event(number, event_type),
            occurred_at=NOW + number * timedelta(days=40, hours=1, seconds=1, milliseconds=21),
            user_id=f"{USER_ID[:-2]}{number:02}",
            phone=f"{PHONE[:-2]}{number:02}" if number % 2 else None,
        )
        for number, event_type in enumerate(EventType, 1)
    ]
    for event in events:
        await send(events_driver, event)
    await expect_received(events_driver, *events)
    for got, event in zip(await events_driver.received(), events, strict=True):
        expected = (event.type, event.user_id, event.phone or "")
        assert (got.type, got.user_id, got.phone) == expected, f"{got} arrived for {event}"
        assert parse_time(got.at) == event.occurred_at, (
            f"{got.at} arrived as the time of {event}: it has to be the same millisecond, with its "
            "zone"
        )


async def test_an_id_arrives_whole_also_of_an_event_without_a_phone(
    events_driver: EventsDriver,
) -> None:
    event_id = f"evt_{USER_ID}_".ljust(MAX_EVENT_ID_LENGTH - 1, "0")
    events = [replace(an_event(), id=f"{event_id}{end}", phone=None) for end in "12"]
    for event in events:
        await send(events_driver, event)
    await expect_received(events_driver, *events)


async def test_events_of_many_users_at_the_same_time_arrive(events_driver: EventsDriver) -> None:
    events = [an_event(number) for number in range(20)]
    await asyncio.gather(*(send(events_driver, event) for event in events))
    lost = {event.id for event in events}.difference(await ids_of_received(events_driver))
    assert not lost, f"send accepted {sorted(lost)!r}, which did not arrive"


async def test_an_event_that_comes_again_is_accepted(events_driver: EventsDriver) -> None:
    for _ in range(2):
        await send(events_driver, an_event())
    assert set(await ids_of_received(events_driver)) == {an_event().id}


async def expect_rejection(events_driver: EventsDriver) -> None:
    """Send an event; fail unless it is rejected in time, for a reason without personal data."""
    calls = {"send": events_driver.destination.send(an_event())}
    [error] = await expect_errors(calls, EventRejected, seconds=SEND_SECONDS)

    assert str(error), "EventRejected has to say why, for the log"
    for text in (PHONE, PHONE.removeprefix("+1"), USER_ID):
        assert text not in str(error), "The text of EventRejected names a user"


async def test_an_event_that_the_receiver_refuses_is_rejected(events_driver: EventsDriver) -> None:
    await events_driver.provider_is("refuses")
    await expect_rejection(events_driver)


async def test_an_event_that_was_rejected_arrives_when_it_comes_again(
    events_driver: EventsDriver,
) -> None:
    await send(events_driver, an_event(0))
    await events_driver.provider_is("away")
    for _ in range(FAILED_CALLS):
        await expect_rejection(events_driver)
    await events_driver.provider_is("well")
    await send(events_driver, an_event())
    await send(events_driver, an_event(2))

    assert await ids_of_received(events_driver) == [an_event(n).id for n in range(3)], (
        "After its receiver was back, each event has to arrive once when it is sent once: the one "
        "that was rejected before, too"
    )


@pytest.mark.parametrize("failure", LOST_ANSWERS, ids=str)
async def test_an_event_without_an_answer_is_rejected_and_left_to_the_service(
    events_driver: EventsDriver, failure: LostAnswer
) -> None:
    await send(events_driver, an_event(0))  # a handshake is done
    await failure.begin(events_driver)
    await expect_rejection(events_driver)

    await events_driver.provider_is("well")
    received = (await ids_of_received(events_driver))[1:]
    assert received == [an_event().id], (
        f"The receiver {failure}, and got {received} by one call of send. A destination repeats "
        "nothing, and received() also lists what was not answered"
    )
    await send(events_driver, an_event())
    assert (await ids_of_received(events_driver))[1:] == 2 * [an_event().id], (
        "send accepted an event without sending it, because it had sent it before: nobody knows "
        "whether it has arrived"
    )
