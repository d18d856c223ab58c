"""Usernames and changes of the phone, on all databases.

`test_record_store` has what is unique in general, and what is written once.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.errors import UniqueViolation
from application.ports.repositories import Repositories
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity, User
from domain.identities.phone_change import UNDO_PERIOD, PhoneChange
from domain.identities.username import Username
from tests.support.builders import (
    NOW,
    a_deleted_identity,
    a_phone,
    a_session,
    a_user,
    an_id,
    an_identity,
)
from tests.support.stored_values import replace_stored, values_of

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


async def test_a_released_username_is_free(repositories: Repositories) -> None:
    identities = repositories.identities
    deleted = a_deleted_identity(user=a_user("Zoë"))
    await identities.add(deleted)
    await replace_stored(identities, deleted.release_username())

    assert await identities.add(an_identity(id=an_id(2), user=a_user("Zoë")))


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
        await identities.replace(ANOTHER.set_external_id(external_id), 1)
    assert await identities.replace(identity.delete(NOW), found.version)
    assert await identities.find_by_external_id(external_id) is None
    assert await identities.replace(ANOTHER.set_external_id(external_id), 1)


CHANGE = PhoneChange(
    new_phone=a_phone(2),
    old_phone=a_phone(),
    started_at=NOW,
    attempted_at=NOW,
    undo_until=NOW + UNDO_PERIOD,
    kept_session_id=a_session().id,
    is_by_operator=True,
    locale="de",
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


async def test_one_of_parallel_changes_of_a_phone_wins(repositories: Repositories) -> None:
    identities = repositories.identities
    await identities.add(CHANGING)
    phones = [a_phone(number) for number in range(10, 30)]

    won = await asyncio.gather(
        *(identities.replace_phone(replace(CHANGING, phone=phone), 1) for phone in phones)
    )

    assert won.count(True) == 1
    loaded = await identities.load(CHANGING.id)
    assert loaded is not None
    assert (loaded.value.phone, loaded.version) == (phones[won.index(True)], 2)


async def test_changes_of_phones_are_listed_the_earliest_attempt_first(
    repositories: Repositories,
) -> None:
    identities = repositories.identities
    changing = [
        an_identity(
            id=an_id(number),
            phone_change=replace(CHANGE, attempted_at=NOW + timedelta(minutes=minute)),
        )
        for number, minute in enumerate([3, 1, 2, 4])
    ]
    changing[0] = changing[0].delete(NOW)
    for identity in [*changing, an_identity(id=an_id(5))]:
        await identities.add(identity)

    for minute, limit, numbers in ((4, 9, [1, 2, 0, 3]), (4, 2, [1, 2]), (3, 9, [1, 2, 0])):
        attempted = NOW + timedelta(minutes=minute)
        found = values_of(await identities.list_phone_changes(attempted, limit))
        assert found == [changing[number] for number in numbers]
    await replace_stored(identities, changing[1].advance_phone_change(None))
    assert await identities.list_phone_changes(NOW + timedelta(minutes=1), 9) == []
