"""The cleanup deletes expired tokens."""

from datetime import timedelta

from application.admin.feature import AdminFeature
from application.administration.caller import operating_system_user
from domain.administration.scope import Scope
from tests.support.app_harness import AppHarness


async def test_an_expired_service_token_is_deleted(app: AppHarness) -> None:
    tokens, ttl = app.use_cases.of(AdminFeature).tokens, timedelta(days=1)
    operator = operating_system_user("alice")
    await tokens.create(operator, "the help desk", (Scope.READ_USERS,), ttl, "ticket")
    assert (await app.operations.cleanup())["expired_service_tokens"] == 0
    app.clock.advance(ttl)
    assert (await app.operations.cleanup())["expired_service_tokens"] == 1
