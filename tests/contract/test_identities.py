"""Usernames are unique, on all databases; see `test_records` for the rest."""

import asyncio

import pytest

from application.ports.errors import UniqueViolation
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity, User
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

NAMED = an_identity(user=a_user("Zoë"))
ANOTHER = an_identity(id=an_id(2), phone=a_phone(2))


@pytest.mark.parametrize("spelling", ["Zoë", "ZOË", "zoe\u0308"])
async def test_all_spellings_of_a_username_belong_to_one_identity(
    repositories: Repositories, spelling: str
) -> None:
    await repositories.identities.add(NAMED)

    with pytest.raises(UniqueViolation):
        await repositories.identities.add(an_identity(id=an_id(2), user=a_user(spelling)))

    assert await repositories.identities.load(an_id(2)) is None


async def test_a_deleted_identity_keeps_its_username(repositories: Repositories) -> None:
    await repositories.identities.add(a_deleted_identity(user=a_user("Zoë")))

    with pytest.raises(UniqueViolation):
        await repositories.identities.add(an_identity(id=an_id(2), user=a_user("Zoë")))


async def test_the_username_of_another_identity_is_a_unique_violation(
    repositories: Repositories,
) -> None:
    await repositories.identities.add(NAMED)
    await repositories.identities.add(ANOTHER)

    with pytest.raises(UniqueViolation):
        await repositories.identities.replace(ANOTHER.set_username(Username("zoë"), NOW), 1)

    assert await repositories.identities.load(ANOTHER.id) == Versioned(ANOTHER, 1)


async def test_an_identity_can_respell_its_username(repositories: Repositories) -> None:
    await repositories.identities.add(NAMED)

    assert await repositories.identities.replace(NAMED.add_session(a_session()), 1)
    assert await repositories.identities.replace(NAMED.set_username(Username("ZOË"), NOW), 2)


async def test_a_username_keeps_the_key_under_which_it_is_stored(
    repositories: Repositories,
) -> None:
    stored = an_identity(user=User(Username("Zoë", "the key of another version"), NOW))
    await repositories.identities.add(stored)
    loaded = await repositories.identities.load(stored.id)
    assert loaded is not None

    assert await repositories.identities.replace(loaded.value.add_session(a_session()), 1)

    found = await repositories.identities.find_by_username(Username("", stored.username_key))
    assert found == Versioned(stored.add_session(a_session()), 2)
    assert found.value.username_key == stored.username_key
    assert await repositories.identities.find_by_username(Username("Zoë")) is None
    assert await repositories.identities.add(an_identity(id=an_id(2), user=a_user("Zoë")))


async def test_a_released_username_is_free(repositories: Repositories) -> None:
    await repositories.identities.add(NAMED)
    await repositories.identities.replace(NAMED.delete(NOW).release_username(), 1)

    assert await repositories.identities.add(an_identity(id=an_id(2), user=a_user("Zoë")))


@pytest.mark.parametrize("spelling", ["Zoë", "ZOË", "zoe\u0308"])
@pytest.mark.parametrize("identity", [NAMED, NAMED.delete(NOW)])
async def test_an_identity_is_found_by_any_spelling_of_its_username(
    repositories: Repositories, spelling: str, identity: Identity
) -> None:
    await repositories.identities.add(ANOTHER)
    assert await repositories.identities.find_by_username(Username(spelling)) is None

    await repositories.identities.add(identity)

    found = await repositories.identities.find_by_username(Username(spelling))
    assert found == Versioned(identity, 1)


async def test_one_of_fifty_parallel_identities_gets_a_username(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    identities_to_add = [an_identity(id=an_id(number), user=a_user("Zoë")) for number in range(50)]

    results = await asyncio.gather(
        *(
            (repositories, other_repositories)[number % 2].identities.add(identity)
            for number, identity in enumerate(identities_to_add)
        ),
        return_exceptions=True,
    )

    assert results.count(True) == 1
    assert sum(isinstance(identity, UniqueViolation) for identity in results) == 49
    identity = await repositories.identities.find_by_username(Username("Zoë"))
    assert identity == Versioned(identities_to_add[results.index(True)], 1)
