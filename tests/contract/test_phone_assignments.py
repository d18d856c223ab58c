from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.features.phone_change import make_phone_change_repositories
from application.features.phone_change.ports import PhoneChangeRepositories
from domain.features.phone_change.phone_assignment import PhoneAssignment, PhoneAssignments
from domain.identities.phone_change import UNDO_PERIOD
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, a_phone, an_id
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.stored_values import values_of

pytestmark = IN_MEMORY_FIRST

MINUTE = timedelta(minutes=1)


@pytest.fixture
def repositories(database: Database) -> PhoneChangeRepositories:
    return make_phone_change_repositories(database, FakePhoneEncryption())


def some_assignments(number: int = 1, minutes: int = 0) -> PhoneAssignments:
    assignment = PhoneAssignment(
        assigned_at=NOW + minutes * MINUTE,
        phone=a_phone(1),
        former_phone=a_phone(2),
        kept_session_id=an_id(7),
    )
    return PhoneAssignments(
        id=an_id(number),
        assignments=(replace(assignment, assigned_at=NOW), assignment),
        notice_due_at=NOW + minutes * MINUTE,
        locale="de",
    )


async def test_due_messages_are_listed_the_earliest_first(
    repositories: PhoneChangeRepositories,
) -> None:
    stored = repositories.phone_assignments
    added = [some_assignments(number, minute) for number, minute in enumerate([3, 1, 2, 4])]
    for assignments in [*added, some_assignments(9).set_notice_due(None)]:
        assert await stored.add(assignments)
    for minute, limit, numbers in ((3, 9, [1, 2, 0]), (4, 2, [1, 2]), (0, 9, [])):
        found = values_of(await stored.list_due_notices(NOW + minute * MINUTE, limit))
        assert found == [added[number] for number in numbers]


async def test_assignments_are_deleted_when_the_latest_expires(
    repositories: PhoneChangeRepositories,
) -> None:
    stored = repositories.phone_assignments
    await stored.add(some_assignments(minutes=5))
    assert await stored.delete_expired(NOW + UNDO_PERIOD, 9) == 0
    assert await stored.delete_expired(NOW + UNDO_PERIOD + 5 * MINUTE, 9) == 1
    assert await stored.load(an_id(1)) is None
