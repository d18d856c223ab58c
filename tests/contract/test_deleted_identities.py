from dataclasses import replace
from datetime import timedelta

from application.ports.repositories import Repositories
from domain.identities.identity import UNVERIFIED_TTL
from tests.support.builders import NOW, a_deleted_identity, a_user, an_id, an_identity
from tests.support.stored_values import replace_stored, values_of

MINUTE = timedelta(minutes=1)


async def test_the_deleted_of_some_ids_are_found(repositories: Repositories) -> None:
    await repositories.identities.add(an_identity(id=an_id(1)))
    await repositories.identities.add(a_deleted_identity(id=an_id(2)))
    await repositories.identities.add(a_deleted_identity(id=an_id(4999)))
    await repositories.identities.add(a_deleted_identity(id=an_id(4)).purge(NOW))
    find = repositories.identities.find_deleted

    assert await find([an_id(1), an_id(2), an_id(2), an_id(4), an_id(5)]) == {an_id(2), an_id(4)}
    assert await find({an_id(number) for number in range(5, 5000)}) == {an_id(4999)}
    assert await find([]) == frozenset()


async def test_unpurged_identities_are_listed_oldest_first(repositories: Repositories) -> None:
    minutes = {1: 5, 2: 1, 3: 3}
    deleted_identities = {
        number: a_deleted_identity(id=an_id(number), deleted_at=NOW + minute * MINUTE)
        for number, minute in minutes.items()
    }
    for identity in deleted_identities.values():
        await repositories.identities.add(identity)
    await repositories.identities.add(an_identity(id=an_id(4)))
    await repositories.identities.add(a_deleted_identity(id=an_id(5)).purge(NOW))

    for limit, numbers in ((10, (2, 3, 1)), (2, (2, 3))):
        found = values_of(await repositories.identities.list_unpurged(limit))
        assert found == [deleted_identities[number] for number in numbers]
    await replace_stored(repositories.identities, deleted_identities[2].purge(NOW))
    assert values_of(await repositories.identities.list_unpurged(1)) == [deleted_identities[3]]


async def test_identities_with_a_username_deleted_by_then_are_listed(
    repositories: Repositories,
) -> None:
    named = {
        number: a_deleted_identity(
            id=an_id(number), deleted_at=NOW + number * MINUTE, user=a_user(f"Zoë {number}")
        )
        for number in (1, 2, 3)
    }
    for identity in named.values():
        await repositories.identities.add(identity)
    await repositories.identities.add(a_deleted_identity(id=an_id(4)))
    await repositories.identities.add(an_identity(id=an_id(5), user=a_user("Rahul")))

    found = await repositories.identities.list_with_username(NOW + 2 * MINUTE, 10)

    assert values_of(found) == [named[1], named[2]]
    later = NOW + 3 * MINUTE
    assert len(await repositories.identities.list_with_username(later, 2)) == 2
    await replace_stored(repositories.identities, named[1].release_username())
    found = await repositories.identities.list_with_username(NOW + 2 * MINUTE, 10)
    assert values_of(found) == [named[2]]


async def test_users_are_counted_by_their_names_without_deleted_ones(
    repositories: Repositories,
) -> None:
    identities = repositories.identities
    assert await identities.count_users(3) == 0
    for number in (1, 2):
        await identities.add(an_identity(id=an_id(number), user=a_user(f"Zoë {number}")))
    await identities.add(an_identity(id=an_id(3)))
    await identities.add(a_deleted_identity(id=an_id(4)))
    await identities.add(a_deleted_identity(id=an_id(5), user=a_user("Rahul")))

    assert await identities.count_users(3) == 2
    assert await identities.count_users(2) is None
    # It may be of an earlier moment, as of the rows of another test.
    assert await identities.estimate_number() >= 0


async def test_unverified_identities_that_expired_are_listed_the_earliest_first(
    repositories: Repositories,
) -> None:
    identities = {
        number: an_identity(
            id=an_id(number), is_verified=False, last_used_at=NOW + minutes * MINUTE
        )
        for number, minutes in {1: 2, 2: 0, 3: 1}.items()
    }
    others = an_identity(id=an_id(4)), a_deleted_identity(id=an_id(5), is_verified=False)
    for identity in (*identities.values(), *others):
        await repositories.identities.add(identity)
    find = repositories.identities.list_expired

    found = values_of(await find(NOW + UNVERIFIED_TTL + MINUTE, 10))
    assert found == [identities[2], identities[3]]
    found = values_of(await find(NOW + UNVERIFIED_TTL + MINUTE, 1))
    assert found == [identities[2]]
    await replace_stored(repositories.identities, replace(identities[2], is_verified=True))
    assert await find(NOW + UNVERIFIED_TTL, 10) == []
