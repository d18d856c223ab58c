"""The promises of the port that takes events of users."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from application.ports.events import Event, EventRejected
from domain.identities.user_events import EventType
from pytest_dialtone.outcomes import expect_errors, observe
from pytest_dialtone.suites.events.driver import EventsDriver

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


async def test_an_accepted_event_arrives(events_driver: EventsDriver) -> None:
    await send(events_driver, an_event())
    assert await events_driver.received() == [an_event().id]


async def test_events_of_all_types_arrive_in_their_order(events_driver: EventsDriver) -> None:
    events = [an_event(number, event_type) for number, event_type in enumerate(EventType, 1)]
    for event in events:
        await send(events_driver, event)
    assert await events_driver.received() == [event.id for event in events]


async def test_an_event_without_a_phone_arrives(events_driver: EventsDriver) -> None:
    await send(events_driver, replace(an_event(), phone=None))
    assert await events_driver.received() == [an_event().id]


async def test_events_of_many_users_at_the_same_time_arrive(events_driver: EventsDriver) -> None:
    events = [an_event(number) for number in range(20)]
    await asyncio.gather(*(send(events_driver, event) for event in events))
    assert sorted(await events_driver.received()) == sorted(event.id for event in events)


async def test_an_event_that_comes_again_is_accepted(events_driver: EventsDriver) -> None:
    for _ in range(2):
        await send(events_driver, an_event())
    assert set(await events_driver.received()) == {an_event().id}


async def test_without_a_receiver_an_event_is_rejected_in_time(events_driver: EventsDriver) -> None:
    await events_driver.break_receiver()

    calls = {"send": events_driver.destination.send(an_event())}
    [error] = await expect_errors(calls, EventRejected, seconds=SEND_SECONDS)

    assert str(error), "EventRejected has to say why, for the log"
    for text in (PHONE, PHONE.removeprefix("+1"), USER_ID):
        assert text not in str(error), "The text of EventRejected names a user"
