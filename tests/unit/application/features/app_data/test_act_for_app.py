"""The backend of the app keeps data and claims with a user, and both end with the account."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import pytest

from adapters.databases.records.features.app_data import APP_DATA
from adapters.databases.records.mapping import RecordMapping
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.features.app_data import (
    SET_APP_DATA,
    SET_CLAIMS,
    ActForApp,
    AppDataDetails,
)
from domain.administration.scopes import Scope
from domain.errors import Forbidden, InsufficientScope, UserNotFound
from domain.features.app_data import AppData, parse_app_data
from entrypoints.features import app_data
from tests.support.acts import BY_COMMAND, a_token, assert_refused, permitted_operators, show
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id
from tests.unit.application.identities.test_session_tokens import app_claims_of, refresh

_Do: TypeAlias = Callable[[ActForApp, Operator, UserQuery, str], Awaitable[None]]
BACKEND: Final = a_token(Scope.SET_USER_DATA)
VALUES: Final = {"plan": "pro", "seats": 5}
CLAIMS: Final = '{"roles":["editor"]}'


def act_for(app: AppHarness) -> ActForApp:
    act: ActForApp = app_data.APP_DATA.of(app.use_cases)
    return act


def stored(app: AppHarness) -> dict[str, AppData]:
    loaded = app.database.load_all(RecordMapping(APP_DATA, AppData))
    return {identity_id: data.value for identity_id, data in loaded.items()}


async def set_data(app: AppHarness, user_id: str, values: dict[str, Any]) -> None:
    await act_for(app).set_app_data(BACKEND, user_id, parse_app_data(user_id, values))


DO: Final[dict[str, _Do]] = {
    SET_APP_DATA.name: lambda act, operator, user, why: act.set_app_data(
        operator, user, parse_app_data(str(user), VALUES), why
    ),
    SET_CLAIMS.name: lambda act, operator, user, why: act.set_claims(operator, user, CLAIMS, why),
}
ACTS = pytest.mark.parametrize("act", [SET_APP_DATA, SET_CLAIMS], ids=lambda act: act.name)


@ACTS
async def test_only_who_may_sets_them_and_each_act_is_in_the_audit(
    app: AppHarness, act: Act
) -> None:
    user = (await app.add_user()).identity.id
    await assert_refused(act, lambda operator, why: DO[act.name](act_for(app), operator, user, why))
    for operator, reason in permitted_operators(act):
        app = AppHarness()
        user = (await app.add_user()).identity.id
        for _ in range(2):  # a repeat changes nothing, and has no entry
            await DO[act.name](act_for(app), operator, user, reason)
        [entry] = app.database.audit_entries
        assert (entry.actor, entry.action) == (operator.actor, act.action)
        assert (entry.subject, entry.reason) == (user, reason)


@ACTS
async def test_nothing_is_set_for_staff_and_an_account_that_is_closed(
    app: AppHarness, act: Act
) -> None:
    staff = (await app.add_administrator()).identity.id
    with pytest.raises(Forbidden, match="staff"):
        await DO[act.name](act_for(app), a_token(*Scope), staff, "")
    detached, deleted = [await app.add_user(a_phone(2)), await app.add_user(a_phone(3), "Asha")]
    await app.identities.delete_user(deleted)
    await app.identities.operator_actions.detach(detached.identity.id)

    for user_id in (detached.identity.id, deleted.identity.id, an_id(9)):
        with pytest.raises(UserNotFound):
            await DO[act.name](act_for(app), BACKEND, user_id, "")
    assert stored(app) == {}


async def test_data_are_replaced_as_a_whole_and_shown_to_operators_and_the_owner(
    app: AppHarness,
) -> None:
    user = await app.add_user()
    user_id, act = user.identity.id, act_for(app)
    await set_data(app, user_id, {"former": 1})
    await set_data(app, user_id, VALUES)
    await act.set_claims(BACKEND, user_id, CLAIMS)

    claims = {"roles": ["editor"]}
    assert await app_data.APP_DATA.of(app.use_cases).stored_data.load(user_id) == VALUES
    assert await act.load_app_data(BACKEND, user_id) == VALUES
    assert await act.load_claims(BACKEND, user_id) == claims
    assert (await show(app)).added.find(AppDataDetails) == AppDataDetails(VALUES, claims)
    with pytest.raises(InsufficientScope):
        await act.load_app_data(a_token(Scope.READ_USERS), user_id)

    await set_data(app, user_id, {})
    await act.set_claims(BY_COMMAND, user_id, "", "no longer")
    assert (stored(app), await act.load_app_data(BACKEND, user_id)) == ({}, {})
    assert (await show(app)).added.find(AppDataDetails) == AppDataDetails({}, {})


async def test_tokens_have_the_claims_from_the_next_refresh_on(app: AppHarness) -> None:
    user_id = (await app.add_user()).identity.id
    before = (await app.open_session(with_refresh=True)).tokens
    await act_for(app).set_claims(BACKEND, user_id, CLAIMS)
    refreshed = await refresh(app, before)
    assert app_claims_of(before) is None
    assert app_claims_of(refreshed) == {"roles": ["editor"]}

    await act_for(app).set_claims(BACKEND, user_id, "")
    assert app_claims_of(await refresh(app, refreshed)) is None


async def test_data_and_claims_are_deleted_with_the_account(app: AppHarness) -> None:
    user = await app.add_user()
    await set_data(app, user.identity.id, VALUES)
    await act_for(app).set_claims(BACKEND, user.identity.id, CLAIMS)
    await app.identities.delete_user(user)
    assert stored(app) == {}
    assert app.database.identities[user.identity.id].value.claims == ""
    assert (await show(app, user.identity.id)).added.find(AppDataDetails) is None


async def test_data_that_change_while_they_are_deleted_are_deleted_too(app: AppHarness) -> None:
    user = await app.add_user()
    await set_data(app, user.identity.id, {"former": 1})
    app.faults.run_before("app_data.delete", lambda: set_data(app, user.identity.id, VALUES))
    await set_data(app, user.identity.id, {})
    assert stored(app) == {}
