from datetime import timedelta
from typing import Final

import pytest

from application.administration.operator import operating_system_user
from application.features.admin.feature import CREATE, REVOKE, AdminFeature
from domain.administration.audit import ActorKind, AuditAction
from domain.administration.scope import Scope
from domain.errors import AuditFailed, Unauthenticated
from domain.features.admin import ServiceToken, TokenNotFound, TooManyTokenRequests
from tests.support.acts import assert_refused
from tests.support.app_harness import AppHarness
from tests.support.builders import an_id

OPERATOR: Final = operating_system_user("alice")
TTL: Final = timedelta(days=90)


async def create(app: AppHarness, ttl: timedelta = TTL) -> tuple[ServiceToken, str]:
    scopes = (Scope.READ_USERS,)
    return await app.use_cases.of(AdminFeature).tokens.create(
        OPERATOR, "the help desk", scopes, ttl, "ticket"
    )


async def test_a_token_authenticates_its_scopes_until_it_expires(app: AppHarness) -> None:
    token, text = await create(app)

    operator = await app.use_cases.of(AdminFeature).authenticate_token(text)

    assert (operator.actor.kind, operator.actor.id) == (ActorKind.SERVICE_TOKEN, token.id)
    assert operator.scopes == frozenset({Scope.READ_USERS})
    # The audit names a token also when it is gone.
    [entry] = app.database.audit_entries
    assert entry.reason == "the help desk: users:read. ticket"
    assert operator.actor.name == "the help desk"
    app.clock.advance(TTL)
    with pytest.raises(Unauthenticated):
        await app.use_cases.of(AdminFeature).authenticate_token(text)


async def test_a_revoked_token_is_invalid_at_once_and_still_listed(app: AppHarness) -> None:
    token, text = await create(app)

    revoked = await app.use_cases.of(AdminFeature).tokens.revoke(OPERATOR, token.id, "leaked")

    with pytest.raises(Unauthenticated):
        await app.use_cases.of(AdminFeature).authenticate_token(text)
    assert await app.use_cases.of(AdminFeature).tokens.list() == [revoked]
    actions = [(entry.action, entry.subject) for entry in app.database.audit_entries]
    assert actions == [
        (AuditAction.CREATE_TOKEN, token.id),
        (AuditAction.REVOKE_TOKEN, token.id),
    ]
    with pytest.raises(TokenNotFound):
        await app.use_cases.of(AdminFeature).tokens.revoke(OPERATOR, an_id(9), "ticket")
    assert len(app.database.audit_entries) == 2


async def test_a_changed_token_is_invalid(app: AppHarness) -> None:
    _, text = await create(app)
    with pytest.raises(Unauthenticated):
        await app.use_cases.of(AdminFeature).authenticate_token(text[:-1] + "x")


async def test_only_a_command_makes_and_revokes_tokens_for_a_reason(app: AppHarness) -> None:
    token, _ = await create(app)
    tokens, scopes = app.use_cases.of(AdminFeature).tokens, (Scope.READ_USERS,)

    await assert_refused(
        CREATE, lambda operator, why: tokens.create(operator, "a", scopes, TTL, why)
    )
    await assert_refused(REVOKE, lambda operator, why: tokens.revoke(operator, token.id, why))

    assert [entry.action for entry in app.database.audit_entries] == [AuditAction.CREATE_TOKEN]
    assert await tokens.list() == [token]


async def test_no_token_is_made_where_the_audit_cannot_be_written(app: AppHarness) -> None:
    app.faults.fail_on("audit_log.add")
    with pytest.raises(AuditFailed):
        await create(app)
    app.faults.reset()
    assert await app.use_cases.of(AdminFeature).tokens.list() == []


async def test_a_token_sends_600_requests_a_minute(app: AppHarness) -> None:
    _, text = await create(app)
    for _ in range(600):
        await app.use_cases.of(AdminFeature).authenticate_token(text)
    with pytest.raises(TooManyTokenRequests) as caught:
        await app.use_cases.of(AdminFeature).authenticate_token(text)
    app.advance(caught.value.retry_after)
    await app.use_cases.of(AdminFeature).authenticate_token(text)


async def test_an_expired_service_token_is_listed_for_30_days_and_then_deleted(
    app: AppHarness,
) -> None:
    token, _ = await create(app)
    tokens = app.use_cases.of(AdminFeature).tokens
    app.clock.advance(TTL + timedelta(days=30) - timedelta(seconds=1))
    assert (await app.operations.cleanup())["expired_service_tokens"] == 0
    assert await tokens.list() == [token]
    app.clock.advance(timedelta(seconds=1))
    assert await tokens.list() == []
    assert (await app.operations.cleanup())["expired_service_tokens"] == 1


async def test_the_next_expiry_is_that_of_a_token_that_is_valid(app: AppHarness) -> None:
    tokens = app.use_cases.of(AdminFeature).tokens
    assert await tokens.measure_next_expiry() is None
    await create(app)
    next_token, _ = await create(app, timedelta(days=8))
    assert await tokens.measure_next_expiry() == timedelta(days=8).total_seconds()
    await tokens.revoke(OPERATOR, next_token.id, "ticket")
    assert await tokens.measure_next_expiry() == TTL.total_seconds()
    app.clock.advance(TTL)
    assert await tokens.measure_next_expiry() is None
