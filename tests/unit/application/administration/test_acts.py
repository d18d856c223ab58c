"""Which operators may do each act of the core, and how often."""

from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

import pytest

import application.features
from application.administration import acts
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator, staff_member
from application.administration.user_acts import USER_ACTS, ActCall
from application.limits.actor_limits import ActLimitHalfUsed, ActLimitReached
from application.record_act import ActRecorded
from domain.administration.act_limits import DATA, HARM, LIMITS_OF_ACTS, ActLimit
from domain.administration.audit import AuditAction
from domain.administration.scopes import FOR_PEOPLE, STAFF_ROLES, Scope
from domain.errors import (
    AuditFailed,
    Forbidden,
    InsufficientScope,
    TooManyActs,
    TooManyPhones,
    TooShort,
)
from domain.identities.external_id import parse_external_id
from domain.identities.role import Role
from domain.identities.username import parse_username
from domain.otp.rate_limits import LimitPurpose, RateLimit
from tests.support.acts import (
    BY_COMMAND,
    IN_CONSOLE,
    REASON,
    a_token,
    assert_refused,
    permitted_operators,
    refused_operators,
    staff,
)
from tests.support.builders import a_phone, an_id
from tests.support.core_harness import CoreHarness

VALUES: Final[Mapping[str, Mapping[str, object]]] = {
    acts.PROMOTE.name: {"role": Role.SUPPORT},
    acts.SET_EXTERNAL_ID.name: {"new_external_id": parse_external_id("7")},
    acts.RENAME.name: {"new_username": parse_username("Priya")},
}
ROWS: Final = {row.name: row for row in USER_ACTS}
ACTS: Final = [row.act for row in USER_ACTS]
CORE_ACTS: Final = [acts.VIEW_PHONE, *ACTS]
"""With a full number, which is masked for others."""


async def do(app: CoreHarness, act: Act, operator: Operator, user: UserQuery, reason: str) -> None:
    """Do an act of the core as its row does it."""
    if act is acts.VIEW_PHONE:
        await app.user_details.view_phone(operator, a_phone(), str(user), reason)
        return
    row, values = ROWS[act.name], VALUES.get(act.name, {})
    if act is acts.END_SESSION:
        [session, *_] = app.database.identities[str(user)].value.sessions
        values = {"session_id": session.id}
    call = ActCall(
        act=app.administration.act_for_users,
        operator=operator,
        query=user,
        reason=reason,
        values=values,
    )
    assert "{" not in row.describe(await row.run(call))


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
async def test_nobody_else_does_it_and_nobody_without_a_reason(app: CoreHarness, act: Act) -> None:
    user = (await app.add_user()).identity.id

    await assert_refused(act, lambda operator, why: do(app, act, operator, user, why))

    assert app.database.audit_entries == []


@pytest.mark.parametrize("act", CORE_ACTS, ids=lambda act: act.name)
async def test_who_may_does_it_and_is_in_the_audit(act: Act) -> None:
    for operator, reason in permitted_operators(act):
        app = CoreHarness()
        user = (await app.add_user()).identity.id
        await do(app, act, operator, user, reason)
        entry = app.database.audit_entries[0]
        assert (entry.actor, entry.action) == (operator.actor, act.action)
        assert (entry.subject, entry.at, entry.reason) == (user, app.clock.now(), reason)


async def test_what_stays_the_same_is_not_in_the_audit(app: CoreHarness) -> None:
    user, act = (await app.add_user()).identity.id, app.administration.act_for_users
    for text in ("7", "7"):
        await act.set_external_id(BY_COMMAND, user, parse_external_id(text), REASON)
    for name in ("rahul sharma", "rahul sharma"):
        await act.rename(BY_COMMAND, user, parse_username(name), REASON)
    assert len(app.database.audit_entries) == 2


@pytest.mark.parametrize("act", CORE_ACTS, ids=lambda act: act.name)
async def test_nothing_is_done_where_the_entry_cannot_be_written(
    app: CoreHarness, act: Act
) -> None:
    user = (await app.add_user()).identity.id
    app.advance(hours=12)
    before = (app.database.identities, app.database.phone_verifications[a_phone()])
    sent = len(app.messenger.messages)
    app.faults.fail_on("audit_log.add")

    with pytest.raises(AuditFailed):
        await do(app, act, BY_COMMAND, user, REASON)

    app.faults.reset()
    assert (app.database.identities, app.database.phone_verifications[a_phone()]) == before
    assert (len(app.messenger.messages), app.database.audit_entries) == (sent, [])
    assert ActRecorded not in app.events.types


@pytest.mark.parametrize("act", [act for act in ACTS if act.scope], ids=lambda act: act.name)
async def test_a_token_never_acts_on_an_administrator(app: CoreHarness, act: Act) -> None:
    victim = (await app.add_administrator()).identity.id
    with pytest.raises(Forbidden):
        await do(app, act, a_token(*Scope), victim, REASON)
    assert app.database.audit_entries == []


async def test_a_full_number_is_masked_for_others_and_people_say_why(app: CoreHarness) -> None:
    view = app.user_details.view_phone
    for operator, reason, error in refused_operators(acts.VIEW_PHONE):
        if error is TooShort:
            with pytest.raises(TooShort):
                await view(operator, a_phone(), "subject", reason)
        else:
            assert await view(operator, a_phone(), "subject", reason) == a_phone().masked
    assert app.database.audit_entries == []
    for operator, reason in permitted_operators(acts.VIEW_PHONE):
        assert await view(operator, a_phone(), "subject", reason) == a_phone().e164


# Roles


@pytest.mark.parametrize(
    ("operator", "highest"),
    [
        (staff(Role.SUPPORT), 0),
        (a_token(*Scope), 0),
        (IN_CONSOLE, 1),
        (a_token(Role.ADMINISTRATOR), 1),
        (BY_COMMAND, 2),
    ],
)
async def test_nobody_acts_on_staff_of_the_same_or_a_higher_role(
    app: CoreHarness, operator: Operator, highest: int
) -> None:
    user = await app.add_user()
    act = app.administration.act_for_users
    for role in Role:
        await app.identities.operator_actions.change_role(user.identity.id, role)
        if role.rank > highest:
            with pytest.raises(Forbidden):
                await act.sign_out(operator, user.identity.id, REASON)
        else:
            await act.sign_out(operator, user.identity.id, REASON)
        shown = await app.user_details.show_user(operator, user.identity.id, REASON)
        assert (shown.number == a_phone().e164) == (
            role.rank <= highest and operator.has_scope(Scope.READ_PHONES)
        )


async def test_an_account_that_gets_a_role_meanwhile_is_not_named_by_another_administrator(
    app: CoreHarness,
) -> None:
    administrator = await app.add_administrator(a_phone(2))
    other = (await app.log_in()).identity.id

    async def promote() -> None:
        await app.identities.operator_actions.change_role(other, Role.ADMINISTRATOR)

    app.faults.run_before("identities.replace", promote)
    with pytest.raises(Forbidden):
        await app.create_user(administrator, phone=a_phone())
    assert app.database.identities[other].value.user is None


@pytest.mark.parametrize("role", STAFF_ROLES)
async def test_a_token_gives_only_roles_whose_scopes_it_has(app: CoreHarness, role: Role) -> None:
    user_id = (await app.add_user()).identity.id
    change_role = app.administration.act_for_users.change_role
    with pytest.raises((InsufficientScope, Forbidden)):
        await change_role(a_token(Scope.CHANGE_ROLES), user_id, role, REASON)
    await change_role(a_token(Scope.CHANGE_ROLES, role), user_id, role, REASON)
    assert app.database.identities[user_id].value.staff.role is role


async def test_nobody_acts_on_themselves_or_gives_more_than_they_have(app: CoreHarness) -> None:
    act = app.administration.act_for_users
    principal = await app.add_administrator(a_phone(2))
    user = await app.add_user()
    operator = staff(Role.ADMINISTRATOR, identity_id=principal.identity.id)
    with pytest.raises(Forbidden, match="own account"):
        await act.sign_out(operator, principal.identity.id, REASON)
    token = a_token(Scope.CHANGE_ROLES, Role.MODERATOR)
    with pytest.raises(Forbidden):
        await act.change_role(token, user.identity.id, Role.ADMINISTRATOR, REASON)


TOKEN = a_token(Role.ADMINISTRATOR)
READS = (Scope.READ_USERS, Scope.READ_PHONES)


def test_all_acts_of_people_and_tokens_are_limited_but_those_that_read() -> None:
    assert set(LIMITS_OF_ACTS) == set(AuditAction)
    packages = walk_packages(application.features.__path__, "application.features.")
    modules = [acts, *(import_module(each.name) for each in packages if each.name[-5:] == ".acts")]
    all_acts = [
        act for module in modules for act in vars(module).values() if isinstance(act, acts.Act)
    ]
    read_only = {act.name for act in all_acts if act.scope and not LIMITS_OF_ACTS[act.action]}
    assert read_only - {"list", "export"} == {"number"}  # these two are acts of features


async def use_up(app: CoreHarness, operator: Operator, limit: ActLimit, left: int = 0) -> None:
    """Count acts until so many are left in this hour."""
    windows = limit.of_token if operator.is_token else limit.of_person
    in_hour = min(window.limit for window in windows.values())
    for _ in range(in_hour - left):
        await app.use_cases.actor_limits.acquire_act(operator.actor, limit)


@pytest.mark.parametrize(
    ("act", "operator"),
    [
        pytest.param(act, operator, id=f"{act.name}-{operator.actor.kind}")
        for act in CORE_ACTS
        for operator in (IN_CONSOLE, TOKEN)
        if LIMITS_OF_ACTS[act.action] is HARM
        and not (act.scope in FOR_PEOPLE and operator.is_token)
    ],
)
async def test_an_act_too_many_is_not_done_nor_in_the_audit(
    app: CoreHarness, act: acts.Act, operator: Operator
) -> None:
    user = (await app.add_user()).identity.id
    await use_up(app, operator, HARM)
    before = app.database.identities

    with pytest.raises(TooManyActs) as error:
        await do(app, act, operator, user, REASON)

    assert timedelta(hours=1) <= timedelta(seconds=error.value.retry_after) < timedelta(minutes=62)
    assert app.events.types[-1] is ActLimitReached
    assert (app.database.identities, app.database.audit_entries) == (before, [])


async def test_half_of_what_is_possible_in_an_hour_is_a_warning(app: CoreHarness) -> None:
    await app.log_in()
    await use_up(app, IN_CONSOLE, HARM, left=31)
    assert ActLimitHalfUsed not in app.events.types
    act = app.administration.act_for_users
    await act.sign_out(IN_CONSOLE, a_phone(), REASON)
    [warning] = app.events.of_type(ActLimitHalfUsed)
    assert warning.actor_id == IN_CONSOLE.actor.id
    # The act is done also where it cannot be found out how much is used.
    app.faults.fail_on("limit_store.count_used")
    await act.sign_out(IN_CONSOLE, a_phone(), REASON)
    assert len(app.database.audit_entries) == 2
    # What staff does in an app counts too.
    principal = await app.add_administrator(a_phone(9))
    await use_up(app, staff_member(principal), HARM)
    with pytest.raises(TooManyActs):
        await app.create_user(principal, "Priya", a_phone(3))


async def test_a_first_external_id_is_data_and_another_one_an_act(app: CoreHarness) -> None:
    user = (await app.add_user()).identity.id
    await use_up(app, TOKEN, HARM)
    set_external_id = app.administration.act_for_users.set_external_id

    await set_external_id(TOKEN, user, parse_external_id("7"), REASON)
    await set_external_id(TOKEN, user, parse_external_id("7"), REASON)
    for other in (parse_external_id("8"), None):
        with pytest.raises(TooManyActs):
            await set_external_id(TOKEN, user, other, REASON)

    subject, purpose = f"token:{TOKEN.actor.id}", LimitPurpose.ACTS
    data = [RateLimit(subject, purpose, *window) for window in DATA.of_token.items()]
    assert await app.limits.limit_store.count_used(data, app.clock.now()) == [1]


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
    for _ in range(997):
        await app.user_details.view_phone.count(reader)
    await app.user_details.show_user(reader, a_phone(3), REASON)
    with pytest.raises(TooManyPhones):
        await app.user_details.show_user(reader, a_phone(3), REASON)
    assert len(app.database.audit_entries) == 3
    # It counts with the numbers that a token reads.
    with pytest.raises(TooManyPhones):
        await app.user_details.show_user(a_token(*READS), user, REASON)
    readers = [a_token(*READS), IN_CONSOLE, a_token(*READS, token_id=an_id(6))]
    view_phone = app.user_details.view_phone
    # A HEAD request is not shown a number: none is counted, and the error is the same.
    with pytest.raises(TooManyPhones):
        await view_phone(readers[0], a_phone(1), user, REASON, is_shown=False)
    for reader in readers[1:]:
        masked = await view_phone(reader, a_phone(1), user, REASON, is_shown=False)
        assert masked == a_phone(1).masked
    assert len(app.database.audit_entries) == 3
