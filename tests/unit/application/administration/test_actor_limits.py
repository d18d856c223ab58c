"""How often people of the staff and service tokens do what harms users in the wrong hands."""

from datetime import timedelta

import pytest

from application.administration import acts
from application.administration.operator import Operator
from application.features.phone_change.acts import CHANGE_PHONE
from application.limits.events import ActLimitHalfUsed, ActLimitReached
from domain.administration.scope import Scope
from domain.errors import TooManyActs, TooManyPhones
from domain.identities.role import Role
from tests.support.acts import BY_COMMAND, IN_API, REASON, a_token
from tests.support.builders import a_phone, an_id
from tests.support.core_harness import CoreHarness

TOKEN = a_token(Role.ADMINISTRATOR)


def test_these_acts_are_limited() -> None:
    limited = {act.name for act in (*acts.CORE_ACTS, CHANGE_PHONE) if act.is_limited}
    assert limited == {"block", "sign-out", "demote", "change-phone", "send-code"}


async def count_acts(app: CoreHarness, operator: Operator, times: int) -> int:
    """Count an act so many times, and return how often it was possible."""
    for done in range(times):
        try:
            await app.user_details.view_phone.limits.acquire_act(operator.actor)
        except TooManyActs:
            return done
    return times


@pytest.mark.parametrize(
    ("operator", "an_hour", "a_day"),
    [(IN_API, 60, 300), (TOKEN, 600, 3_000)],
    ids=["person", "token"],
)
async def test_a_person_and_a_token_act_so_often_an_hour_and_a_day(
    app: CoreHarness, operator: Operator, an_hour: int, a_day: int
) -> None:
    act = app.administration.act_for_users
    await app.log_in(a_phone(1))
    await act.sign_out(operator, a_phone(1), REASON)
    await act.block(operator, a_phone(2), REASON)
    assert await count_acts(app, operator, an_hour // 2 - 3) == an_hour // 2 - 3
    assert ActLimitHalfUsed not in app.events.types
    assert await count_acts(app, operator, an_hour) == an_hour // 2 + 1
    warnings = app.events.of_type(ActLimitHalfUsed)
    assert {event.actor_id for event in warnings} == {operator.actor.id}
    with pytest.raises(TooManyActs) as error:
        await act.sign_out(operator, a_phone(1), REASON)
    assert timedelta(hours=1) <= timedelta(seconds=error.value.retry_after) < timedelta(minutes=62)
    assert app.events.types[-1] is ActLimitReached
    assert len(app.database.audit_entries) == 2

    # Others go on, and what does no harm is not counted.
    await act.sign_out(BY_COMMAND, a_phone(1), REASON)
    await act.unblock(operator, a_phone(2), REASON)

    done = an_hour
    for _ in range(4):
        app.advance(hours=1, minutes=2)
        done += await count_acts(app, operator, an_hour)
    app.advance(hours=1, minutes=2)
    assert (done, await count_acts(app, operator, 1)) == (a_day, 0)


async def test_a_token_finds_a_thousand_users_a_day_by_their_full_numbers(
    app: CoreHarness,
) -> None:
    reader = a_token(Scope.READ_USERS)
    user = (await app.add_user()).identity.id
    await app.user_details.show_user(reader, a_phone(1), REASON)
    await app.user_details.show_user(reader, a_phone(2), REASON)
    found, unknown = app.database.audit_entries
    assert (found.action, found.subject, found.reason) == (acts.VIEW_PHONE.action, user, REASON)
    assert unknown.subject == app.keyed_hashes.hash_phone(a_phone(2))
    await app.user_details.show_user(reader, user, REASON)  # by its id
    for _ in range(997):
        await app.user_details.view_phone.count(reader)
    await app.user_details.show_user(reader, a_phone(3), REASON)
    with pytest.raises(TooManyPhones):
        await app.user_details.show_user(reader, a_phone(3), REASON)
    assert len(app.database.audit_entries) == 3
    # It counts with the numbers that a token reads, and for each token.
    scopes = (Scope.READ_USERS, Scope.READ_PHONES)
    with pytest.raises(TooManyPhones) as caught:
        await app.user_details.show_user(a_token(*scopes), user, REASON)
    await app.user_details.show_user(a_token(*scopes, token_id=an_id(6)), user, REASON)
    app.advance(caught.value.retry_after)
    await app.user_details.show_user(a_token(*scopes), user, REASON)
