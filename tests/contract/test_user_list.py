"""Pages of users, and the count in the audit, on all databases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.features.admin import StoredUserList
from adapters.databases.records.repositories import make_repositories
from application.ports.administration import AuditFilter
from application.ports.repositories import Repositories
from domain.administration.audit import Actor, ActorKind, AuditAction, AuditEntry
from domain.cursor import Cursor
from domain.features.admin import UserFilter
from domain.identities.identity import Identity
from domain.identities.role import Role, Staff
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, a_deleted_identity, a_phone, an_id, an_identity
from tests.support.fakes.phone_encryption import FakePhoneEncryption

pytestmark = IN_MEMORY_FIRST

HALF_A_SECOND = timedelta(milliseconds=500)


def a_member(number: int, halves: int = 0, **changes: object) -> Identity:
    """Return an identity that was created so many half seconds after `NOW`."""
    values = {"phone": a_phone(number), "created_at": NOW + halves * HALF_A_SECOND, **changes}
    return an_identity(id=an_id(number), **values)


@pytest.fixture
def user_list(database: Database) -> StoredUserList:
    return StoredUserList(database.records, FakePhoneEncryption())


async def list_all(
    user_list: StoredUserList, user_filter: UserFilter, limit: int = 2
) -> Sequence[str]:
    ids, cursor = list[str](), None
    while True:
        page = await user_list.list_after(user_filter, cursor, limit)
        ids += [user.id for user in page.users]
        cursor = page.next_cursor
        if cursor is None:
            return ids


async def test_each_filter_lists_its_users_in_the_order_of_creation_and_id(
    repositories: Repositories, user_list: StoredUserList
) -> None:
    identities = [
        a_member(5, 0),
        # Two of one time, and one with a fraction between whole seconds.
        a_member(4, 1, staff=Staff(Role.ADMINISTRATOR)),
        a_member(3, 2, blocked_at=NOW),
        a_member(6, 2),
        a_member(2, 3, blocked_at=NOW),
        a_member(1, 4, staff=Staff(Role.ADMINISTRATOR)),
        a_deleted_identity(id=an_id(7), created_at=NOW, blocked_at=NOW),
        a_member(8, 0, blocked_at=NOW).detach(NOW),
        a_member(9, 5, staff=Staff(Role.SUPPORT)),
        a_member(10, 6, staff=Staff(Role.AUDITOR)),
    ]
    for identity in identities:
        assert await repositories.identities.add(identity)

    for user_filter, numbers in (
        (UserFilter(), [5, 4, 3, 6, 2, 1, 9, 10]),
        (UserFilter(created_since=NOW + 2 * HALF_A_SECOND), [3, 6, 2, 1, 9, 10]),
        (UserFilter(is_blocked=True), [3, 2]),
        (UserFilter(is_blocked=False), [5, 4, 6, 1, 9, 10]),
        (UserFilter(role=Role.ADMINISTRATOR), [4, 1]),
        (UserFilter(role=Role.AUDITOR), [10]),
        (UserFilter(role=Role.MEMBER), [5, 3, 6, 2]),
    ):
        for limit in (1, 2, 9):
            listed = await list_all(user_list, user_filter, limit)
            assert listed == [an_id(number) for number in numbers], (user_filter, limit)


async def test_a_page_ends_after_a_bounded_number_of_others(
    repositories: Repositories, user_list: StoredUserList
) -> None:
    for number in range(1, 30):
        await repositories.identities.add(a_member(number, number, blocked_at=NOW))

    page = await user_list.list_after(UserFilter(is_blocked=False), None, 1)

    assert page.users == []
    assert page.next_cursor == Cursor(NOW + 20 * HALF_A_SECOND, an_id(20))
    assert await list_all(user_list, UserFilter(is_blocked=False), 1) == []


async def test_counts_of_parallel_pages_add_up(
    repositories: Repositories, other_database: Database
) -> None:
    others = make_repositories(other_database, FakePhoneEncryption())
    actor = Actor(ActorKind.SERVICE_TOKEN, an_id(2))
    entry = AuditEntry(
        id=an_id(1),
        at=NOW,
        actor=actor,
        action=AuditAction.LIST_USERS,
        subject="users",
        count=3,
    )

    logs = [repositories.audit_log, others.audit_log] * 5
    await asyncio.gather(*(audit_log.count(entry) for audit_log in logs))

    listed = await repositories.audit_log.list_after(AuditFilter(actor=actor), None, 9)
    assert listed == [replace(entry, count=30)]
