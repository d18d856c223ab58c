"""Users are listed in pages, and the audit has how many somebody was given."""

import pytest

from application.administration.operator import Operator, operating_system_user, service_token
from application.features.admin.feature import AdminFeature, ListUsers
from domain.administration.audit import Actor, ActorKind, AuditEntry
from domain.administration.scope import Scope
from domain.errors import AuditFailed, Forbidden, InsufficientScope, TooShort
from domain.features.admin import UserFilter
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone

ALL = UserFilter()


def a_token(name: str, *scopes: Scope) -> Operator:
    return service_token(Actor(ActorKind.SERVICE_TOKEN, name), scopes)


SHOP = a_token("shop", Scope.LIST_USERS)
OPERATOR = operating_system_user("alice")


@pytest.fixture
def list_users(app: AppHarness) -> ListUsers:
    return app.use_cases.of(AdminFeature).list_users


def entries(app: AppHarness) -> list[AuditEntry]:
    return [each for each in app.database.audit_entries if each.action == "list_users"]


async def test_each_caller_has_one_entry_an_hour_with_the_number_of_users(
    app: AppHarness, list_users: ListUsers
) -> None:
    for number in range(3):
        await app.log_in(a_phone(number + 1))
    other = a_token("desk", Scope.LIST_USERS)

    first = await list_users(SHOP, ALL, None, 2)
    app.advance(minutes=10)
    rest = await list_users(SHOP, ALL, first.next_cursor, 2)
    await list_users(other, ALL, None, 9)
    app.advance(hours=1)
    await list_users(SHOP, ALL, None, 1)

    assert (len(first.users), len(rest.users), rest.next_cursor) == (2, 1, None)
    counted = [(each.actor, each.subject, each.count) for each in entries(app)]
    assert sorted(counted, key=str) == [
        (other.actor, "users", 3),
        (SHOP.actor, "users", 1),
        (SHOP.actor, "users", 3),
    ]


async def test_a_command_has_an_entry_of_its_own(app: AppHarness, list_users: ListUsers) -> None:
    await app.log_in()
    with pytest.raises(TooShort):
        list_users.begin(OPERATOR, "")

    for _ in range(2):
        entry = list_users.begin(OPERATOR, "audit of May")
        await list_users(OPERATOR, ALL, None, 9, entry)

    assert [(each.reason, each.count) for each in entries(app)] == [("audit of May", 1)] * 2


async def test_nobody_else_lists_users_and_nobody_unless_they_are_counted(
    app: AppHarness, list_users: ListUsers
) -> None:
    await app.log_in()
    with pytest.raises(InsufficientScope):
        await list_users(a_token("shop", Scope.READ_USERS), ALL, None, 9)
    with pytest.raises(Forbidden):
        await list_users(Operator(Actor(ActorKind.USER, "1")), ALL, None, 9)
    assert entries(app) == []

    app.faults.fail_on("audit_log.count")
    with pytest.raises(AuditFailed):
        await list_users(SHOP, ALL, None, 9)
