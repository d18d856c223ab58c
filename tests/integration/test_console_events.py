"""The pages of events: those that a destination has not accepted, and sending them again."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import httpx
import pytest

from domain.identities.identity import Identity
from domain.identities.user_events import RETRY_PERIOD, EventType, UserEvents
from tests.integration.console import ConsoleDriver, open_console
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, a_user, an_id, an_identity
from tests.support.event_lists import EventList

BACKEND: Final = "https://backend.example.org"
KEPT, WAITING = an_id(1), an_id(2)
REASON: Final = "ticket: +1 415 555 2671"


@pytest.fixture
async def console() -> AsyncIterator[ConsoleDriver]:
    harness = AppHarness(destinations={BACKEND: EventList()})
    identities, now = harness.database.repositories().identities, harness.clock.now()
    recorded = UserEvents().record(EventType.USER_CREATED, now)
    for number, failures in ((1, (now, now + RETRY_PERIOD)), (2, (now + 3 * RETRY_PERIOD,))):
        events = recorded
        for at in failures:
            events = events.settle([events.progress_of(BACKEND).mark_failed(at)], [BACKEND])
        identity: Identity = an_identity(
            id=an_id(number), phone=a_phone(number + 3), user=a_user(f"a{number}")
        )
        await identities.add(replace(identity, events=events))
    async with open_console(harness) as opened:
        yield opened


def events_of(console: ConsoleDriver, user_id: str) -> UserEvents:
    return console.harness.database.identities[user_id].value.events


def listed(page: httpx.Response) -> list[str]:
    return [each for each in (KEPT, WAITING) if f"evt_{each}" in page.text]


async def test_events_are_listed_for_all_for_a_user_and_those_that_are_kept(
    console: ConsoleDriver,
) -> None:
    page = await console.get("/events")
    assert (listed(page), BACKEND in page.text) == ([KEPT, WAITING], True)
    assert listed(await console.get("/events?failed=yes")) == [KEPT]
    chosen = await console.post("/events", user="a2")
    assert chosen.headers["location"] == f"/console/events?user={WAITING}"
    assert listed(await console.http.get(chosen.headers["location"])) == [WAITING]
    page = await console.post("/events", user=a_phone(9).e164)
    assert (page.status_code, "This phone has no account." in page.text) == (400, True)


async def test_events_are_sent_again_for_a_reason_that_the_audit_keeps(
    console: ConsoleDriver,
) -> None:
    page = await console.post("/events/retry", user="", reason=" ")
    assert (page.status_code, "Say why." in page.text) == (400, True)
    for user_id in (KEPT, ""):
        form = await console.get(f"/events/retry{f'?user={user_id}' if user_id else ''}")
        assert form.status_code == 200
        done = await console.post("/events/retry", user=user_id, reason=REASON)
        assert "done=events_retried" in done.headers["location"]
    now = console.harness.clock.now()
    assert [events_of(console, each).next_send_at for each in (KEPT, WAITING)] == [now, now]
    assert [
        (entry.action.value, entry.subject, entry.reason)
        for entry in console.harness.database.audit_entries
    ] == [("retry_events", each, "ticket: +* *** *** ****") for each in (KEPT, "events")]


async def test_without_a_destination_the_page_says_how_to_set_one() -> None:
    async with open_console(AppHarness()) as console:
        assert "DIALTONE_EVENTS" in (await console.get("/events")).text
