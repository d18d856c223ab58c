"""How often people of the staff and service tokens act for others."""

from datetime import timedelta
from importlib import import_module
from pkgutil import walk_packages

import pytest

import application.features
from application.administration import acts
from application.administration.operator import Operator, staff_member
from application.limits.events import ActLimitHalfUsed, ActLimitReached
from domain.administration.act_limits import DATA, HARM, LIMITS_OF_ACTS, ActLimit
from domain.administration.audit import AuditAction
from domain.administration.scope import FOR_PEOPLE, Scope
from domain.errors import TooManyActs, TooManyPhones
from domain.identities.external_id import parse_external_id
from domain.identities.role import Role
from domain.otp.rate_limits import LimitPurpose, RateLimit
from tests.support.acts import IN_API, IN_CONSOLE, REASON, a_token
from tests.support.builders import a_phone, an_id
from tests.support.core_harness import CoreHarness
from tests.unit.application.administration.test_acts import USE_CASES

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
        for act in acts.CORE_ACTS
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
        await USE_CASES[act.name](app, operator, user, REASON)

    assert timedelta(hours=1) <= timedelta(seconds=error.value.retry_after) < timedelta(minutes=62)
    assert app.events.types[-1] is ActLimitReached
    assert (app.database.identities, app.database.audit_entries) == (before, [])


async def test_half_of_what_is_possible_in_an_hour_is_a_warning(app: CoreHarness) -> None:
    await app.log_in()
    await use_up(app, IN_API, HARM, left=31)
    assert ActLimitHalfUsed not in app.events.types
    act = app.administration.act_for_users
    await act.sign_out(IN_API, a_phone(), REASON)
    [warning] = app.events.of_type(ActLimitHalfUsed)
    assert warning.actor_id == IN_API.actor.id
    # The act is done also where it cannot be found out how much is used.
    app.faults.fail_on("limit_store.count_used")
    await act.sign_out(IN_API, a_phone(), REASON)
    assert len(app.database.audit_entries) == 2


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


async def test_what_staff_does_in_an_app_counts_too(app: CoreHarness) -> None:
    principal = await app.add_administrator(a_phone(9))
    operator = staff_member(principal)
    await use_up(app, operator, HARM)
    with pytest.raises(TooManyActs):
        await app.create_user(principal, "Priya", a_phone(3))
    assert app.database.audit_entries == []


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
    readers = [a_token(*READS), IN_API, a_token(*READS, token_id=an_id(6))]
    view_phone = app.user_details.view_phone
    # A HEAD request is not shown a number: none is counted, and the error is the same.
    with pytest.raises(TooManyPhones):
        await view_phone(readers[0], a_phone(1), user, REASON, is_shown=False)
    for reader in readers[1:]:
        masked = await view_phone(reader, a_phone(1), user, REASON, is_shown=False)
        assert masked == a_phone(1).masked
    assert len(app.database.audit_entries) == 3
