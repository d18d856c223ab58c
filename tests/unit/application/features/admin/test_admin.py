"""Service tokens of operators, and lists of users that are counted in the audit."""

from datetime import timedelta
from typing import Final

import pytest

from application.administration.operator import Operator
from application.features.admin import CREATE, REVOKE, AdminFeature
from domain.administration.audit import Actor, ActorKind, AuditAction, AuditEntry
from domain.administration.scopes import Scope
from domain.errors import AuditFailed, Forbidden, InsufficientScope, Unauthenticated
from domain.features.admin import (
    ServiceToken,
    TokenNotFound,
    TooManyTokenRequests,
    UserFilter,
)
from entrypoints.features.admin import ADMIN
from tests.support.acts import BY_COMMAND, a_token, assert_refused
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id

ALL: Final = UserFilter()
SHOP: Final = a_token(Scope.LIST_USERS, token_id="shop")
TTL: Final = timedelta(days=90)


@pytest.fixture
def admin(app: AppHarness) -> AdminFeature:
    return ADMIN.of(app.use_cases)


async def create(admin: AdminFeature, ttl: timedelta = TTL) -> tuple[ServiceToken, str]:
    scopes = (Scope.READ_USERS,)
    return await admin.tokens.create(BY_COMMAND, "the help desk", scopes, ttl, "ticket")


# Service tokens


async def test_a_token_authenticates_its_scopes_until_it_expires(
    app: AppHarness, admin: AdminFeature
) -> None:
    token, text = await create(admin)

    operator = await admin.authenticate_token(text)

    assert (operator.actor.kind, operator.actor.id) == (ActorKind.SERVICE_TOKEN, token.id)
    assert operator.scopes == frozenset({Scope.READ_USERS})
    # The audit names a token also when it is gone.
    [entry] = app.database.audit_entries
    assert entry.reason == "the help desk: users:read. ticket"
    assert operator.actor.name == "the help desk"
    with pytest.raises(Unauthenticated):
        await admin.authenticate_token(text[:-1] + "x")
    app.clock.advance(TTL)
    with pytest.raises(Unauthenticated):
        await admin.authenticate_token(text)


async def test_a_revoked_token_is_invalid_at_once_and_still_listed(
    app: AppHarness, admin: AdminFeature
) -> None:
    assert await admin.tokens.measure_next_expiry() is None
    token, text = await create(admin, timedelta(days=8))
    await create(admin)
    assert await admin.tokens.measure_next_expiry() == timedelta(days=8).total_seconds()

    revoked = await admin.tokens.revoke(BY_COMMAND, token.id, "leaked")

    assert await admin.tokens.measure_next_expiry() == TTL.total_seconds()
    with pytest.raises(Unauthenticated):
        await admin.authenticate_token(text)
    assert revoked in await admin.tokens.list()
    assert app.database.audit_entries[-1].subject == token.id
    with pytest.raises(TokenNotFound):
        await admin.tokens.revoke(BY_COMMAND, an_id(9), "ticket")
    assert len(app.database.audit_entries) == 3


async def test_only_a_command_makes_and_revokes_tokens_for_a_reason_and_with_an_entry(
    app: AppHarness, admin: AdminFeature
) -> None:
    token, _ = await create(admin)
    tokens, scopes = admin.tokens, (Scope.READ_USERS,)

    await assert_refused(
        CREATE, lambda operator, why: tokens.create(operator, "a", scopes, TTL, why)
    )
    await assert_refused(REVOKE, lambda operator, why: tokens.revoke(operator, token.id, why))
    app.faults.fail_on("audit_log.add")
    with pytest.raises(AuditFailed):
        await create(admin)
    app.faults.reset()

    assert [entry.action for entry in app.database.audit_entries] == [AuditAction.CREATE_TOKEN]
    assert await tokens.list() == [token]


async def test_a_token_sends_600_requests_a_minute(app: AppHarness, admin: AdminFeature) -> None:
    _, text = await create(admin)
    for _ in range(600):
        await admin.authenticate_token(text)
    with pytest.raises(TooManyTokenRequests) as caught:
        await admin.authenticate_token(text)
    app.advance(caught.value.retry_after)
    await admin.authenticate_token(text)


# Lists of users


def entries(app: AppHarness) -> list[AuditEntry]:
    return [each for each in app.database.audit_entries if each.action == "list_users"]


async def test_each_caller_has_one_entry_an_hour_with_the_number_of_users(
    app: AppHarness, admin: AdminFeature
) -> None:
    for number in range(3):
        await app.log_in(a_phone(number + 1))
    other = a_token(Scope.LIST_USERS, token_id="desk")

    first = await admin.list_users(SHOP, ALL, None, 2)
    app.advance(minutes=10)
    rest = await admin.list_users(SHOP, ALL, first.next_cursor, 2)
    await admin.list_users(other, ALL, None, 9)
    app.advance(hours=1)
    await admin.list_users(SHOP, ALL, None, 1)

    assert (len(first.users), len(rest.users), rest.next_cursor) == (2, 1, None)
    counted = [(each.actor, each.subject, each.count) for each in entries(app)]
    assert sorted(counted, key=str) == [
        (other.actor, "users", 3),
        (SHOP.actor, "users", 1),
        (SHOP.actor, "users", 3),
    ]


async def test_nobody_else_lists_users_and_nobody_unless_they_are_counted(
    app: AppHarness, admin: AdminFeature
) -> None:
    await app.log_in()
    with pytest.raises(InsufficientScope):
        await admin.list_users(a_token(Scope.READ_USERS), ALL, None, 9)
    with pytest.raises(Forbidden):
        await admin.list_users(Operator(Actor(ActorKind.USER, "1")), ALL, None, 9)
    assert entries(app) == []

    app.faults.fail_on("audit_log.count")
    with pytest.raises(AuditFailed):
        await admin.list_users(SHOP, ALL, None, 9)


async def test_an_expired_service_token_is_listed_for_30_days_and_then_deleted(
    app: AppHarness, admin: AdminFeature
) -> None:
    token, _ = await create(admin)
    tokens = admin.tokens
    app.clock.advance(TTL + timedelta(days=30) - timedelta(seconds=1))
    assert (await app.operations.cleanup())["expired_service_tokens"] == 0
    assert await tokens.list() == [token]
    app.clock.advance(timedelta(seconds=1))
    assert await tokens.list() == []
    assert (await app.operations.cleanup())["expired_service_tokens"] == 1
