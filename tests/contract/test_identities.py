import asyncio
from datetime import timedelta

import pytest

from application.ports.errors import UniqueViolation
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.device_token import RecognizedDevice
from domain.identities.identity import Consent, Identity, Role, UsedChallenge
from domain.identities.username import Username
from tests.contract.conftest import OpenRepositories
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


async def test_an_identity_that_was_never_added_is_missing(repositories: Repositories) -> None:
    assert await repositories.identities.load(an_id()) is None


async def test_an_added_identity_is_loaded_unchanged_at_version_1(
    repositories: Repositories,
) -> None:
    identity = Identity(
        id=an_id(7),
        phone=a_phone(7),
        created_at=NOW,
        role=Role.ADMINISTRATOR,
        user=a_user("Zoë 👩‍🚀"),
        sessions=(a_session(device="Pixel 8"), a_session(id=an_id(2), device=None)),
        devices=(RecognizedDevice("a device", an_id(2), NOW), RecognizedDevice("2", "3", NOW)),
        detached_at=NOW + timedelta(days=1),
        last_used_at=NOW + timedelta(days=2),
        used_challenges=(UsedChallenge(an_id(3), NOW), UsedChallenge(an_id(4), NOW)),
    )

    assert await repositories.identities.add(identity)

    assert await repositories.identities.load(an_id(7)) == Versioned(identity, 1)


async def test_an_unverified_identity_is_loaded_unchanged(repositories: Repositories) -> None:
    joined = an_identity(is_verified=False, consent=Consent("You agree, Zoë.", "en-IN", NOW))
    await repositories.identities.add(joined)

    assert await repositories.identities.load(an_id()) == Versioned(joined, 1)

    verified = joined.add_session(a_session())
    assert await repositories.identities.replace(verified, 1)
    assert await repositories.identities.load(an_id()) == Versioned(verified, 2)


async def test_a_deleted_identity_is_loaded_unchanged(repositories: Repositories) -> None:
    deleted = a_deleted_identity(deleted_at=NOW + timedelta(hours=1), purged_at=NOW, phone=None)
    await repositories.identities.add(deleted)

    assert await repositories.identities.load(an_id()) == Versioned(deleted, 1)


async def test_a_blocked_identity_is_loaded_unchanged(repositories: Repositories) -> None:
    await repositories.identities.add(an_identity())
    blocked = an_identity().block(NOW + timedelta(hours=1))

    assert await repositories.identities.replace(blocked, 1)

    assert await repositories.identities.load(an_id()) == Versioned(blocked, 2)
    assert await repositories.identities.replace(blocked.unblock(), 2)
    assert await repositories.identities.load(an_id()) == Versioned(an_identity(), 3)


async def test_an_id_is_added_once(repositories: Repositories) -> None:
    await repositories.identities.add(an_identity())

    assert not await repositories.identities.add(an_identity(phone=a_phone(2)))
    assert await repositories.identities.load(an_id()) == Versioned(an_identity(), 1)


async def test_adding_an_identity_again_is_no_unique_violation(
    repositories: Repositories,
) -> None:
    await repositories.identities.add(NAMED)

    assert not await repositories.identities.add(NAMED)


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


async def test_many_identities_have_no_username(repositories: Repositories) -> None:
    assert await repositories.identities.add(an_identity())
    assert await repositories.identities.add(ANOTHER)


async def test_an_identity_is_replaced_with_its_version(repositories: Repositories) -> None:
    await repositories.identities.add(an_identity())
    with_session = an_identity().add_session(a_session())

    assert await repositories.identities.replace(with_session, 1)
    assert await repositories.identities.load(an_id()) == Versioned(with_session, 2)


async def test_a_version_allows_one_replacement(repositories: Repositories) -> None:
    await repositories.identities.add(an_identity())
    await repositories.identities.replace(NAMED, 1)

    assert not await repositories.identities.replace(an_identity(), 1)
    assert not await repositories.identities.replace(an_identity(), 3)
    assert await repositories.identities.load(an_id()) == Versioned(NAMED, 2)


async def test_a_missing_identity_is_not_replaced(repositories: Repositories) -> None:
    assert not await repositories.identities.replace(an_identity(), 1)
    assert await repositories.identities.load(an_id()) is None


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


async def test_a_released_username_is_free(repositories: Repositories) -> None:
    await repositories.identities.add(NAMED)
    await repositories.identities.replace(NAMED.delete(NOW).release_username(), 1)

    assert await repositories.identities.add(an_identity(id=an_id(2), user=a_user("Zoë")))


async def test_purging_removes_the_phone(repositories: Repositories) -> None:
    await repositories.identities.add(a_deleted_identity())
    await repositories.identities.replace(a_deleted_identity().purge(NOW), 1)

    loaded = await repositories.identities.load(an_id())
    assert loaded is not None
    assert loaded.value.phone is None


@pytest.mark.parametrize("spelling", ["Zoë", "ZOË", "zoe\u0308"])
@pytest.mark.parametrize("identity", [NAMED, NAMED.delete(NOW)])
async def test_an_identity_is_found_by_any_spelling_of_its_username(
    repositories: Repositories, spelling: str, identity: Identity
) -> None:
    await repositories.identities.add(identity)
    await repositories.identities.add(ANOTHER)

    assert await repositories.identities.find_by_username(Username(spelling)) == Versioned(
        identity, 1
    )


async def test_an_unused_username_is_not_found(repositories: Repositories) -> None:
    await repositories.identities.add(an_identity())

    assert await repositories.identities.find_by_username(Username("Zoë")) is None


async def test_one_of_fifty_parallel_replacements_wins(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    await repositories.identities.add(an_identity())
    identities_to_add = [
        an_identity(sessions=(a_session(id=an_id(number)),)) for number in range(50)
    ]

    won = await asyncio.gather(
        *(
            (repositories, other_repositories)[number % 2].identities.replace(identity, 1)
            for number, identity in enumerate(identities_to_add)
        )
    )

    assert won.count(True) == 1
    winner = identities_to_add[won.index(True)]
    assert await repositories.identities.load(an_id()) == Versioned(winner, 2)


async def test_one_of_fifty_parallel_identities_gets_an_id(
    repositories: Repositories, other_repositories: Repositories
) -> None:
    identities_to_add = [an_identity(phone=a_phone(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            (repositories, other_repositories)[number % 2].identities.add(identity)
            for number, identity in enumerate(identities_to_add)
        )
    )

    assert won.count(True) == 1
    assert await repositories.identities.load(an_id()) == Versioned(
        identities_to_add[won.index(True)], 1
    )


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


async def test_a_saved_identity_survives_a_restart(
    open_repositories: OpenRepositories,
) -> None:
    async with open_repositories() as repositories:
        await repositories.identities.add(an_identity())
        await repositories.identities.replace(NAMED, 1)

    async with open_repositories() as repositories:
        assert await repositories.identities.load(an_id()) == Versioned(NAMED, 2)
