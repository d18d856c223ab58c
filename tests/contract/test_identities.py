"""Usernames, changes of the phone, and events, on all databases.

`test_record_store` has what is unique in general, and what is written once.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import ENCRYPTED_PHONE, IDENTITIES
from adapters.databases.records.repositories import make_repositories
from application.ports.errors import UniqueViolation
from application.ports.repositories import Repositories
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity, User
from domain.identities.phone_change import PhoneChange
from domain.identities.role import Role, Staff
from domain.identities.user_events import RETRY_PERIOD, EventProgress, EventType, UserEvents
from domain.identities.username import Username
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, a_phone, a_session, a_user, an_id, an_identity
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.stored_values import replace_stored, values_of

pytestmark = IN_MEMORY_FIRST

NAMED = an_identity(user=a_user("Zoë"))
ANOTHER = an_identity(id=an_id(2), phone=a_phone(2))


@pytest.mark.parametrize("spelling", ["Zoë", "ZOË", "zoe\u0308"])
@pytest.mark.parametrize("identity", [NAMED, NAMED.delete(NOW)], ids=["member", "deleted"])
async def test_all_spellings_of_a_username_belong_to_one_identity(
    repositories: Repositories, spelling: str, identity: Identity
) -> None:
    identities = repositories.identities
    await identities.add(ANOTHER)
    assert await identities.find_by_username(Username(spelling)) is None

    await identities.add(identity)

    with pytest.raises(UniqueViolation):
        await identities.add(an_identity(id=an_id(3), user=a_user(spelling)))
    assert await identities.load(an_id(3)) is None
    found = await identities.find_by_username(Username(spelling))
    assert found == await identities.load(identity.id)
    assert found is not None
    assert found.value == identity


async def test_a_username_keeps_the_key_under_which_it_is_stored(
    repositories: Repositories,
) -> None:
    identities = repositories.identities
    stored = an_identity(user=User(Username("Zoë", "the key of another version"), NOW))
    await identities.add(stored)
    loaded = await identities.load(stored.id)
    assert loaded is not None

    assert await identities.replace(loaded.value.add_session(a_session()), loaded.version)

    found = await identities.find_by_username(Username("", stored.username_key))
    assert found is not None
    assert found.value == stored.add_session(a_session())
    assert found.value.username_key == stored.username_key
    assert await identities.find_by_username(Username("Zoë")) is None
    assert await identities.add(an_identity(id=an_id(2), user=a_user("Zoë")))


async def test_somebody_with_a_role_is_found_by_each_look_alike_of_the_name(
    repositories: Repositories,
) -> None:
    identities = repositories.identities
    staff = an_identity(user=a_user("Paul\N{SUPERSCRIPT TWO}"), staff=Staff(Role.ADMINISTRATOR))
    await identities.add(staff)
    member = an_identity(id=an_id(2), phone=a_phone(2), user=a_user("PauI\N{SUPERSCRIPT TWO}"))
    await identities.add(member)

    for name in ("PauI\N{SUPERSCRIPT TWO}", "PauI2", "PAU1 2"):
        found = await identities.list_staff_like(Username(name))
        assert found == [await identities.load(staff.id)]
    assert await identities.list_staff_like(Username("Paula2")) == []

    assert await identities.replace(staff.demote(), 1)
    assert await identities.list_staff_like(Username("PauI2")) == []


async def test_an_external_id_belongs_to_one_identity_until_that_is_deleted(
    repositories: Repositories,
) -> None:
    identities, external_id = repositories.identities, ExternalId("auth0|5f7c8ec7c33c6c004bbafe82")
    identity = an_identity(external_id=external_id)
    await identities.add(identity)
    await identities.add(ANOTHER)

    found = await identities.find_by_external_id(external_id)

    assert found is not None
    assert found.value == identity
    assert await identities.find_by_external_id(ExternalId(external_id.upper())) is None
    with pytest.raises(UniqueViolation):
        await identities.replace(replace(ANOTHER, external_id=external_id), 1)
    assert await identities.replace(identity.delete(NOW), found.version)
    assert await identities.find_by_external_id(external_id) is None
    assert await identities.replace(replace(ANOTHER, external_id=external_id), 1)


CHANGE = PhoneChange(
    new_phone=a_phone(2),
    old_phone=a_phone(),
    started_at=NOW,
    attempted_at=NOW,
    kept_session_id=a_session().id,
    is_by_operator=True,
)
CHANGING = an_identity(user=a_user(), sessions=(a_session(),), phone_change=CHANGE)


async def test_only_a_change_of_the_phone_replaces_it(repositories: Repositories) -> None:
    identities = repositories.identities
    changed = CHANGING.replace_phone(CHANGE, NOW)
    await identities.add(CHANGING)

    async def load() -> Identity:
        loaded = await identities.load(CHANGING.id)
        assert loaded is not None
        return loaded.value

    assert await identities.replace(replace(CHANGING, phone=a_phone(3)), 1)
    assert await load() == CHANGING
    assert not await identities.replace_phone(changed, 1)
    assert await load() == CHANGING
    assert await identities.replace_phone(changed, 2)
    assert await load() == changed
    assert changed.phone == a_phone(2)
    # An identity that was loaded before has an outdated version.
    assert not await identities.replace(CHANGING, 2)
    assert await identities.replace(replace(changed, phone=a_phone()), 3)
    assert await load() == changed


FIRST, SECOND = "3f2a9c0b71de", "a07c5e19b842"
"""Stored names of destinations."""


def with_event(number: int, minutes: int, **changes: Any) -> Identity:
    """Return a user with an event that is sent so many minutes after NOW."""
    user = an_identity(id=an_id(number), user=a_user(f"User {number}"), **changes)
    return user.record_event(EventType.USER_CREATED, NOW + timedelta(minutes=minutes))


def with_failed_event(number: int, minutes: int) -> Identity:
    """Return a user with events that a destination gave up on, and another one still gets."""
    user = with_event(number, minutes)
    gave_up = EventProgress(
        destination=FIRST,
        failures=2,
        first_failed_at=NOW,
        gave_up_at=NOW + RETRY_PERIOD + timedelta(minutes=minutes),
    )
    failed = EventProgress(destination=SECOND).mark_failed(NOW + RETRY_PERIOD)
    return replace(user, events=user.events.settle([gave_up, failed], [FIRST, SECOND]))


async def test_changes_and_events_are_listed_the_earliest_first(
    repositories: Repositories,
) -> None:
    identities = repositories.identities
    changing = [
        an_identity(
            id=an_id(number),
            phone_change=replace(CHANGE, attempted_at=NOW + timedelta(minutes=minute)),
        )
        for number, minute in enumerate([3, 1, 2, 4], start=1)
    ]
    changing[0] = changing[0].delete(NOW)
    due = [with_event(number, minute) for number, minute in enumerate([3, 1, 2, 4], start=11)]
    due[0] = due[0].delete(NOW + timedelta(minutes=3)).purge(NOW + timedelta(minutes=3))
    failed = [with_failed_event(number, minute) for number, minute in enumerate([3, 1, 2], 21)]
    for identity in (*changing, *due, *failed, an_identity(id=an_id(31), user=a_user())):
        await identities.add(identity)

    for minute, limit, numbers in ((4, 9, [1, 2, 0, 3]), (4, 2, [1, 2]), (3, 9, [1, 2, 0])):
        until = NOW + timedelta(minutes=minute)
        for found, added in (
            (await identities.list_phone_changes(until, limit), changing),
            (await identities.list_with_due_events(until, limit), due),
        ):
            assert values_of(found) == [added[number] for number in numbers]
    for limit, numbers in ((9, [1, 2, 0]), (1, [1])):
        found = await identities.list_with_failed_events(limit)
        assert values_of(found) == [failed[number] for number in numbers]
    accepted = EventProgress(destination=FIRST).mark_sent(due[1].events.last_number)
    retried = replace(failed[1], events=failed[1].events.retry(NOW))
    await replace_stored(identities, replace(changing[1], phone_change=None))
    await replace_stored(
        identities, replace(due[1], events=due[1].events.settle([accepted], [FIRST]))
    )
    await replace_stored(identities, retried)
    assert await identities.list_phone_changes(NOW + timedelta(minutes=1), 9) == []
    assert values_of(await identities.list_with_failed_events(9)) == [failed[2], failed[0]]
    assert values_of(await identities.list_with_due_events(NOW + timedelta(minutes=1), 9)) == [
        retried
    ]


async def test_events_of_an_unreadable_identity_stop_no_others_and_are_logged_once(
    database: Database, repositories: Repositories, caplog: pytest.LogCaptureFixture
) -> None:
    users = [with_failed_event(number, number) for number in range(1, 8)]
    for user in users:
        await repositories.identities.add(user)
    unreadable, readable = [users[0], users[3]], [*users[1:3], *users[4:]]
    for user in unreadable:
        assert await database.records.overwrite(IDENTITIES, user.id, ENCRYPTED_PHONE, b"damaged", 1)

    for limit in (1, 2, 4, 5, 9):
        for found in (
            await repositories.identities.list_with_failed_events(limit),
            await repositories.identities.list_with_due_events(NOW + 2 * RETRY_PERIOD, limit),
        ):
            assert values_of(found) == readable[:limit]
    messages = [str(record.msg) for record in caplog.records]
    assert len(messages) == len(unreadable)
    assert all(user.id in text for user, text in zip(unreadable, messages, strict=True))


async def test_what_is_due_is_listed_behind_records_that_cannot_be_read_which_the_log_names(
    database: Database, repositories: Repositories, caplog: pytest.LogCaptureFixture
) -> None:
    deleted = [
        an_identity(
            id=an_id(number),
            phone=a_phone(number),
            user=a_user(f"user {number}"),
            phone_change=CHANGE,
        ).delete(NOW + number * timedelta(seconds=1))
        for number in range(1, 9)
    ]
    for identity in deleted:
        await repositories.identities.add(identity)
    # Of some the phone cannot be decrypted; the others are no records of identities any more.
    damaged = {0: ENCRYPTED_PHONE, 1: ENCRYPTED_PHONE, 2: "devices", 3: "devices", 5: "devices"}
    for number, field in damaged.items():
        identity_id = deleted[number].id
        assert await database.records.overwrite(IDENTITIES, identity_id, field, b"damaged", 1)

    identities, readable = repositories.identities, [deleted[4], *deleted[6:]]
    for limit in (1, 2, 3, 9):
        for found in (
            await identities.list_unpurged(limit),
            await identities.list_with_username(NOW + timedelta(hours=1), limit),
            await identities.list_phone_changes(NOW + timedelta(hours=1), limit),
        ):
            assert [each.value.id for each in found] == [each.id for each in readable[:limit]]
    assert [each.value.id for each in await identities.list_unpurged(9, 6)] == [
        deleted[6].id,
        deleted[7].id,
    ]
    messages = [str(record.msg) for record in caplog.records]
    assert all("record_not_cleaned_up" in text for text in messages)
    assert len(messages) == len(damaged)


async def test_without_destinations_no_event_is_recorded_and_those_stored_stay(
    database: Database, repositories: Repositories
) -> None:
    silent = make_repositories(database, FakePhoneEncryption(), keeps_events=False).identities
    added, waiting = with_event(1, 0), with_failed_event(2, 0)
    await silent.add(added)
    await repositories.identities.add(waiting)
    loaded = await silent.load(waiting.id)
    assert loaded is not None
    assert await silent.replace(loaded.value.block(NOW), loaded.version)

    events = {}
    for user in (added, waiting):
        loaded = await repositories.identities.load(user.id)
        assert loaded is not None
        events[user.id] = loaded.value.events
    assert events == {added.id: UserEvents(), waiting.id: waiting.events}
