"""What operators see of a user's events."""

from dataclasses import replace

from application.events.details import EventDetails
from application.update import change
from domain.identities.user_events import RETRY_PERIOD
from tests.support.app_harness import AppHarness
from tests.unit.application.administration.test_show_user import OPERATOR, show


async def events_of(app: AppHarness) -> EventDetails | None:
    return (await show(app)).parts.find(EventDetails)


async def test_events_that_wait_and_events_that_are_kept_are_counted(app: AppHarness) -> None:
    principal = await app.add_user()
    assert await events_of(app) == EventDetails(waiting=1, failed=0)
    created = principal.identity.events
    first = created.progress_of("backend").mark_failed(app.clock.now())
    kept = created.settle([first.mark_failed(app.clock.now() + RETRY_PERIOD)], ["backend"])
    identity = replace(principal.identity, events=kept)

    identities = app.database.repositories().identities
    await change(identities, identity.id, lambda _: (identity, None))
    assert await events_of(app) == EventDetails(waiting=0, failed=1)

    app.advance(days=9)  # a newer event makes another attempt, for all of them
    await app.administration.act_for_users.block(OPERATOR, principal.identity.id, "fraud")
    assert await events_of(app) == EventDetails(waiting=2, failed=0)
