"""Who may do what."""

from typing import Final

import pytest

from application.administration.caller import (
    NEEDS_FRESH_LOGIN,
    SCOPE_OF_ACTION,
    Caller,
    administrator,
    operating_system_user,
)
from domain.administration.audit import Actor, ActorKind, AuditAction
from domain.administration.scope import PHONES_PER_TOKEN, Scope
from domain.errors import (
    Forbidden,
    FreshLoginRequired,
    InsufficientScope,
    ReauthenticationRequired,
    TooManyPhones,
)
from domain.identities.role import Role
from domain.identities.session import FRESH_LOGIN_PERIOD
from tests.support.builders import a_phone, an_id
from tests.support.core_harness import CoreHarness

ALL_SCOPES: Final = frozenset(Scope)


def a_token(*scopes: Scope) -> Caller:
    return Caller(Actor(ActorKind.SERVICE_TOKEN, an_id(7)), frozenset(scopes))


@pytest.mark.parametrize("action", AuditAction)
def test_a_token_may_do_what_its_scopes_allow_and_nothing_else(action: AuditAction) -> None:
    scope = SCOPE_OF_ACTION.get(action)
    if scope is None:
        with pytest.raises(Forbidden):
            a_token(*Scope).check_action(action)
        return
    a_token(scope).check_action(action)
    with pytest.raises(InsufficientScope):
        a_token(*ALL_SCOPES - {scope}).check_action(action)


def test_tokens_make_no_tokens_and_change_no_roles() -> None:
    people_only = set(AuditAction) - set(SCOPE_OF_ACTION)
    assert people_only >= {
        AuditAction.PROMOTE,
        AuditAction.DEMOTE,
        AuditAction.CREATE_TOKEN,
        AuditAction.REVOKE_TOKEN,
    }


async def test_a_token_never_acts_on_an_administrator(app: CoreHarness) -> None:
    victim = (await app.add_administrator()).identity.id
    with pytest.raises(Forbidden):
        await app.administration.act_for_users.sign_out(a_token(*Scope), victim)
    assert app.database.identities[victim].value.sessions
    assert app.database.audit_entries == []


async def test_an_administrator_needs_a_login_within_15_minutes_to_delete_and_export(
    app: CoreHarness,
) -> None:
    token = await app.access_token()
    user_id = next(iter(app.database.identities))
    await app.identities.operator_actions.change_role(user_id, Role.ADMINISTRATOR)
    token = await app.access_token()
    fresh = administrator(await app.identities.authenticate(token))
    app.clock.advance(FRESH_LOGIN_PERIOD)
    later = administrator(await app.identities.authenticate(token))
    for action in AuditAction:
        fresh.check_action(action)
        if action in NEEDS_FRESH_LOGIN:
            with pytest.raises(FreshLoginRequired):
                later.check_action(action)
        else:
            later.check_action(action)
    app.advance(days=1)
    with pytest.raises(ReauthenticationRequired):
        administrator(await app.identities.authenticate(token))


async def test_a_member_is_no_administrator(app: CoreHarness) -> None:
    with pytest.raises(Forbidden):
        administrator(await app.log_in())


async def test_a_number_is_masked_for_callers_who_may_not_see_it(app: CoreHarness) -> None:
    view = app.limits.view_phone
    assert await view(a_token(Scope.READ_USERS), a_phone(), an_id()) == a_phone().masked
    assert app.database.audit_entries == []
    assert await view(a_token(Scope.READ_PHONES), a_phone(), an_id()) == a_phone().e164
    assert await view(operating_system_user("alice"), a_phone(), an_id()) == a_phone().e164


async def test_a_token_sees_a_thousand_full_numbers_a_day(app: CoreHarness) -> None:
    token = a_token(Scope.READ_PHONES)
    for _ in range(PHONES_PER_TOKEN.limit):
        await app.limits.view_phone(token, a_phone(), an_id())
    with pytest.raises(TooManyPhones) as caught:
        await app.limits.view_phone(token, a_phone(), an_id())
    assert len(app.database.audit_entries) == PHONES_PER_TOKEN.limit

    other = Caller(Actor(ActorKind.SERVICE_TOKEN, an_id(8)), token.scopes)
    assert await app.limits.view_phone(other, a_phone(), an_id()) == a_phone().e164
    app.advance(caught.value.retry_after)
    assert await app.limits.view_phone(token, a_phone(), an_id()) == a_phone().e164
