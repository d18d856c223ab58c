"""Access tokens identify principals, until logout."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.administration.operator import staff_member
from application.ports.keys import TokenClaims
from domain.administration.scope import Scope
from domain.errors import Forbidden, ReauthenticationRequired, Unauthenticated
from domain.identities.session import FRESH_LOGIN_PERIOD
from tests.support.builders import NOW, a_phone, an_id
from tests.support.core_harness import CoreHarness
from tests.support.keys import access_tokens


async def test_tokens_of_another_key_identity_or_session_are_rejected(app: CoreHarness) -> None:
    principal = await app.log_in()
    times = (NOW, NOW + timedelta(days=9))
    own = TokenClaims(principal.identity.id, principal.session.id, *times)
    await app.identities.authenticate(access_tokens().issue(own))
    for tokens, claims in (
        (access_tokens(2), own),
        (access_tokens(), replace(own, identity_id=an_id(9))),
        (access_tokens(), replace(own, session_id="another")),
    ):
        with pytest.raises(Unauthenticated):
            await app.identities.authenticate(tokens.issue(claims))


async def test_an_administrator_sees_and_does_no_more_than_a_member_a_day_after_the_login(
    app: CoreHarness,
) -> None:
    member = await app.add_user(a_phone(1))
    await app.add_administrator(a_phone(2))
    token = await app.access_token(a_phone(2))
    app.advance(24 * 3600 - 1)
    recent = await app.identities.authenticate(token)
    recent.check_can_act_for(member.identity.id, Scope.MODERATE_LIBRARY)

    app.advance(1)

    old = await app.identities.authenticate(token)
    with pytest.raises(ReauthenticationRequired):
        old.check_can_act_for(member.identity.id, Scope.MODERATE_LIBRARY)
    assert not old.viewer.is_administrator
    old.check_can_act_for(old.identity.id, Scope.MODERATE_LIBRARY)


async def test_the_login_of_an_administrator_is_fresh_for_15_minutes(app: CoreHarness) -> None:
    await app.add_administrator(a_phone())
    token = await app.access_token()
    fresh = staff_member(await app.identities.authenticate(token))
    app.clock.advance(FRESH_LOGIN_PERIOD)
    later = staff_member(await app.identities.authenticate(token))
    assert (fresh.has_fresh_login, later.has_fresh_login) == (True, False)


async def test_a_member_is_no_staff_member(app: CoreHarness) -> None:
    with pytest.raises(Forbidden):
        staff_member(await app.log_in())
