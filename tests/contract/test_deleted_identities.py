"""Identities that are deleted, purged or expired, on all databases."""

from dataclasses import replace
from datetime import timedelta

from application.ports.repositories import Repositories
from domain.identities.identity import UNVERIFIED_TTL, UsedChallenge
from tests.contract.conftest import IN_MEMORY_FIRST
from tests.support.builders import NOW, a_deleted_identity, a_user, an_id, an_identity
from tests.support.stored_values import replace_stored, values_of

pytestmark = IN_MEMORY_FIRST

MINUTE = timedelta(minutes=1)


async def test_identities_are_listed_until_they_are_purged_and_their_name_is_free(
    repositories: Repositories,
) -> None:
    identities = repositories.identities
    deleted = {
        number: a_deleted_identity(
            id=an_id(number), deleted_at=NOW + minute * MINUTE, user=a_user(f"Zoë {number}")
        )
        for number, minute in {1: 5, 2: 1, 3: 3}.items()
    }
    purged = a_deleted_identity(id=an_id(5), user=a_user("Asha")).purge(NOW)
    for identity in (*deleted.values(), an_identity(id=an_id(4), user=a_user("Rahul")), purged):
        await identities.add(identity)

    assert values_of(await identities.list_unpurged(9)) == [deleted[2], deleted[3], deleted[1]]
    assert values_of(await identities.list_unpurged(2)) == [deleted[2], deleted[3]]
    named = values_of(await identities.list_with_username(NOW + 3 * MINUTE, 9))
    assert named == [purged, deleted[2], deleted[3]]
    assert values_of(await identities.list_with_username(NOW + 3 * MINUTE, 1)) == [purged]
    assert (await identities.count_users(1), await identities.count_users(9)) == (None, 1)
    await replace_stored(identities, deleted[2].purge(NOW))
    await replace_stored(identities, purged.release_username())
    assert values_of(await identities.list_unpurged(9)) == [deleted[3], deleted[1]]
    assert values_of(await identities.list_with_username(NOW, 9)) == []


async def test_identities_that_expired_are_listed_the_earliest_first(
    repositories: Repositories,
) -> None:
    identities = {
        number: an_identity(
            id=an_id(number), is_verified=False, last_used_at=NOW + minutes * MINUTE
        )
        for number, minutes in {1: 2, 2: 0, 3: 1}.items()
    }
    used = UsedChallenge("used", NOW + UNVERIFIED_TTL + 3 * MINUTE)
    deleted = an_identity(used_challenges=(used,)).delete(NOW)
    others = an_identity(id=an_id(4)), replace(deleted, id=an_id(5))
    for identity in (*identities.values(), *others):
        await repositories.identities.add(identity)
    find = repositories.identities.list_expired

    found = values_of(await find(NOW + UNVERIFIED_TTL + MINUTE, 10))
    assert found == [identities[2], identities[3]]
    found = values_of(await find(NOW + UNVERIFIED_TTL + MINUTE, 1))
    assert found == [identities[2]]
    await replace_stored(repositories.identities, replace(identities[2], is_verified=True))
    assert await find(NOW + UNVERIFIED_TTL, 10) == []
    assert values_of(await find(used.expires_at, 10))[-1] == others[1]
