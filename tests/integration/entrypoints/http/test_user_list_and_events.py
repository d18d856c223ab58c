"""The second sample of docs/hooks.md: a receiver that begins with the list of all users."""

from typing import Any

from application.features.events.feature import EventsFeature
from domain.administration.scope import Scope
from tests.integration.entrypoints.http.administration import (
    OPERATOR,
    AdminDriver,
    open_admin_driver,
)
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.fakes.destination import FakeDestination
from tests.support.markdown import blocks_in, page

BACKEND = "the backend"


async def list_users(
    driver: AdminDriver, token: str, cursor: str | None = None
) -> tuple[dict[str, Any], str | None]:
    """Return a page of two users by id, and the cursor of the next page."""
    query = f"&cursor={cursor}" if cursor else ""
    listed = (await driver.get(f"/admin/users?role=member&limit=2{query}", token)).json()
    return {user["id"]: user for user in listed["users"]}, listed["next_cursor"]


async def test_a_new_receiver_ends_with_what_the_service_has() -> None:
    names: dict[str, Any] = {}
    [_, code] = blocks_in("python", page("docs/hooks.md"))
    exec(code, names)  # noqa: S102 -- the code of our page
    backend = FakeDestination()
    harness = AppHarness(destinations={BACKEND: backend})
    act = harness.administration.act_for_users
    async with open_admin_driver(harness) as driver:
        for number in range(11, 14):
            await harness.add_user(a_phone(number), f"user {number}")
        token = await driver.make_token(Scope.LIST_USERS, Scope.READ_USERS)
        users, cursor = await list_users(driver, token)
        later, _ = await list_users(driver, token, cursor)
        for blocked, deleted in ([*users], [*later]):
            await act.block(OPERATOR, blocked, "a test")
            await act.delete(OPERATOR, deleted, "a test")
        users |= (await list_users(driver, token, cursor))[0]
        while (await harness.use_cases.of(EventsFeature).send.send_due(BACKEND)).accepted:
            pass

        for event in backend.accepted:
            found = await driver.get(f"/admin/users/{event.user_id}", token)
            user = None if found.status_code == 404 else found.json()
            names["apply"]({"user_id": event.user_id}, users, {event.user_id: user}.get)

        left, _ = await list_users(driver, token)
    assert [bool(user["blocked_at"]) for user in left.values()] == [True, True]
    assert {user_id: user["blocked_at"] for user_id, user in users.items()} == {
        user_id: user["blocked_at"] for user_id, user in left.items()
    }
