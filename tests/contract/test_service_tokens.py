"""The service tokens of each database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.features.admin import make_admin_repositories
from application.features.admin.ports import AdminRepositories
from domain.administration.audit import Actor, ActorKind
from domain.administration.scope import Scope
from domain.features.admin import ServiceToken
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, an_id
from tests.support.fakes.phone_encryption import FakePhoneEncryption

pytestmark = IN_MEMORY_FIRST

MINUTE: Final = timedelta(minutes=1)


def a_token(number: int, **changes: Any) -> ServiceToken:
    token = ServiceToken(
        id=an_id(number),
        name="the help desk",
        scopes=(Scope.READ_USERS, Scope.READ_AUDIT),
        secret_hash="a hash",
        created_at=NOW,
        created_by=Actor(ActorKind.OPERATING_SYSTEM_USER, "jane", "root@web-1"),
        expires_at=NOW + number * MINUTE,
    )
    return replace(token, **changes)


@pytest.fixture
def repositories(database: Database) -> AdminRepositories:
    return make_admin_repositories(database, FakePhoneEncryption())


async def test_tokens_are_listed_and_replaced_until_they_expire(
    repositories: AdminRepositories,
) -> None:
    tokens = [a_token(number) for number in (1, 2)]
    for token in tokens:
        assert await repositories.service_tokens.add(token)
    assert await repositories.service_tokens.list_newest(10) == tokens[::-1]

    revoked = tokens[1].revoke(NOW)
    assert await repositories.service_tokens.replace(revoked, 1)
    assert not await repositories.service_tokens.replace(tokens[1], 1)

    assert await repositories.service_tokens.delete_expired(NOW + MINUTE, 10) == 1
    assert await repositories.service_tokens.list_newest(10) == [revoked]
