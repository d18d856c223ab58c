from datetime import timedelta

from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from tests.support.builders import NOW, a_deleted_identity, a_user, an_id, an_identity

MINUTE = timedelta(minutes=1)


async def test_the_deleted_among_some_ids_are_told(records: Repositories) -> None:
    await records.identities.add(an_identity(id=an_id(1)))
    await records.identities.add(a_deleted_identity(id=an_id(2)))
    await records.identities.add(a_deleted_identity(id=an_id(3)))
    await records.identities.add(a_deleted_identity(id=an_id(4)).purge(NOW))

    asked = [an_id(1), an_id(2), an_id(2), an_id(4), an_id(5)]

    assert await records.deleted_identities.find_deleted(asked) == {an_id(2), an_id(4)}


async def test_among_no_ids_nobody_is_deleted(records: Repositories) -> None:
    await records.identities.add(a_deleted_identity())

    assert await records.deleted_identities.find_deleted([]) == frozenset()


async def test_many_ids_may_be_asked_for_at_once(records: Repositories) -> None:
    await records.identities.add(a_deleted_identity(id=an_id(4999)))

    asked = {an_id(number) for number in range(5000)}

    assert await records.deleted_identities.find_deleted(asked) == {an_id(4999)}


async def test_a_deletion_is_told_as_soon_as_it_is_saved(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    await records.identities.add(an_identity())
    assert await records_elsewhere.deleted_identities.find_deleted([an_id()]) == frozenset()

    await records.identities.replace(an_identity().delete(NOW), 1)

    assert await records_elsewhere.deleted_identities.find_deleted([an_id()]) == {an_id()}


async def test_the_unswept_come_oldest_first(records: Repositories) -> None:
    minutes = {1: 5, 2: 1, 3: 3}
    deleted_identities = {
        number: a_deleted_identity(id=an_id(number), deleted_at=NOW + minute * MINUTE)
        for number, minute in minutes.items()
    }
    for tombstone in deleted_identities.values():
        await records.identities.add(tombstone)
    await records.identities.add(an_identity(id=an_id(4)))
    await records.identities.add(a_deleted_identity(id=an_id(5)).purge(NOW))

    assert await records.deleted_identities.list_unpurged(10) == [
        Versioned(deleted_identities[number], 1) for number in (2, 3, 1)
    ]
    assert await records.deleted_identities.list_unpurged(2) == [
        Versioned(deleted_identities[number], 1) for number in (2, 3)
    ]


async def test_what_was_swept_is_told_no_more(records: Repositories) -> None:
    await records.identities.add(a_deleted_identity())
    [found] = await records.deleted_identities.list_unpurged(1)

    assert await records.identities.replace(found.value.purge(NOW), found.version)
    assert await records.deleted_identities.list_unpurged(1) == []


async def test_names_of_those_deleted_by_then_are_told(records: Repositories) -> None:
    named = {
        number: a_deleted_identity(
            id=an_id(number), deleted_at=NOW + number * MINUTE, user=a_user(f"Zoë {number}")
        )
        for number in (1, 2, 3)
    }
    for tombstone in named.values():
        await records.identities.add(tombstone)
    await records.identities.add(a_deleted_identity(id=an_id(4)))
    await records.identities.add(an_identity(id=an_id(5), user=a_user("Rahul")))

    found = await records.deleted_identities.list_with_username(NOW + 2 * MINUTE, 10)

    assert {one.value.id: one for one in found} == {
        an_id(1): Versioned(named[1], 1),
        an_id(2): Versioned(named[2], 1),
    }


async def test_a_name_given_up_is_told_no_more(records: Repositories) -> None:
    await records.identities.add(a_deleted_identity(user=a_user()).purge(NOW))
    [found] = await records.deleted_identities.list_with_username(NOW, 1)

    assert await records.identities.replace(found.value.release_username(), found.version)
    assert await records.deleted_identities.list_with_username(NOW, 1) == []


async def test_no_more_names_are_told_than_asked_for(records: Repositories) -> None:
    for number in range(3):
        await records.identities.add(
            a_deleted_identity(id=an_id(number), user=a_user(f"Zoë {number}"))
        )

    assert len(await records.deleted_identities.list_with_username(NOW, 2)) == 2
