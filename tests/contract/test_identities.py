import asyncio
from datetime import timedelta

import pytest

from application.ports.errors import UniqueViolation
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.identities.identity import Identity, Role
from domain.identities.username import Username
from tests.contract.conftest import OpenRecords
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


async def test_an_identity_that_was_never_added_is_not_there(records: Repositories) -> None:
    assert await records.identities.load(an_id()) is None


async def test_an_identity_comes_back_as_it_was_added_at_version_1(records: Repositories) -> None:
    identity = Identity(
        id=an_id(7),
        phone=a_phone(7),
        created_at=NOW,
        role=Role.ADMINISTRATOR,
        user=a_user("Zoë 👩‍🚀"),
        sessions=(a_session(device="Pixel 8"), a_session(id=an_id(2), device=None)),
    )

    assert await records.identities.add(identity)

    assert await records.identities.load(an_id(7)) == Versioned(identity, 1)


async def test_a_tombstone_comes_back_as_well(records: Repositories) -> None:
    tombstone = a_deleted_identity(deleted_at=NOW + timedelta(hours=1), purged_at=NOW, phone=None)
    await records.identities.add(tombstone)

    assert await records.identities.load(an_id()) == Versioned(tombstone, 1)


async def test_a_blocked_identity_comes_back_as_well(records: Repositories) -> None:
    await records.identities.add(an_identity())
    blocked = an_identity().block(NOW + timedelta(hours=1))

    assert await records.identities.replace(blocked, 1)

    assert await records.identities.load(an_id()) == Versioned(blocked, 2)
    assert await records.identities.replace(blocked.unblock(), 2)
    assert await records.identities.load(an_id()) == Versioned(an_identity(), 3)


async def test_an_id_is_taken_once(records: Repositories) -> None:
    await records.identities.add(an_identity())

    assert not await records.identities.add(an_identity(phone=a_phone(2)))
    assert await records.identities.load(an_id()) == Versioned(an_identity(), 1)


async def test_an_identity_added_again_finds_its_id_taken_and_not_its_name(
    records: Repositories,
) -> None:
    await records.identities.add(NAMED)

    assert not await records.identities.add(NAMED)


@pytest.mark.parametrize("spelling", ["Zoë", "ZOË", "zoe\u0308"])
async def test_a_name_belongs_to_one_identity_however_it_is_spelled(
    records: Repositories, spelling: str
) -> None:
    await records.identities.add(NAMED)

    with pytest.raises(UniqueViolation):
        await records.identities.add(an_identity(id=an_id(2), user=a_user(spelling)))

    assert await records.identities.load(an_id(2)) is None


async def test_a_tombstone_holds_its_name(records: Repositories) -> None:
    await records.identities.add(a_deleted_identity(user=a_user("Zoë")))

    with pytest.raises(UniqueViolation):
        await records.identities.add(an_identity(id=an_id(2), user=a_user("Zoë")))


async def test_identities_without_a_name_are_in_nobodys_way(records: Repositories) -> None:
    assert await records.identities.add(an_identity())
    assert await records.identities.add(ANOTHER)


async def test_an_identity_is_replaced_under_its_version(records: Repositories) -> None:
    await records.identities.add(an_identity())
    signed_in = an_identity().add_session(a_session())

    assert await records.identities.replace(signed_in, 1)
    assert await records.identities.load(an_id()) == Versioned(signed_in, 2)


async def test_a_version_is_good_for_one_replacement(records: Repositories) -> None:
    await records.identities.add(an_identity())
    await records.identities.replace(NAMED, 1)

    assert not await records.identities.replace(an_identity(), 1)
    assert not await records.identities.replace(an_identity(), 3)
    assert await records.identities.load(an_id()) == Versioned(NAMED, 2)


async def test_an_identity_that_is_not_there_is_not_replaced(records: Repositories) -> None:
    assert not await records.identities.replace(an_identity(), 1)
    assert await records.identities.load(an_id()) is None


async def test_a_name_cannot_be_taken_from_its_holder(records: Repositories) -> None:
    await records.identities.add(NAMED)
    await records.identities.add(ANOTHER)

    with pytest.raises(UniqueViolation):
        await records.identities.replace(ANOTHER.set_username(Username("zoë"), NOW), 1)

    assert await records.identities.load(ANOTHER.id) == Versioned(ANOTHER, 1)


async def test_an_identity_keeps_its_own_name(records: Repositories) -> None:
    await records.identities.add(NAMED)

    assert await records.identities.replace(NAMED.add_session(a_session()), 1)
    assert await records.identities.replace(NAMED.set_username(Username("ZOË"), NOW), 2)


async def test_a_name_given_up_is_free(records: Repositories) -> None:
    await records.identities.add(NAMED)
    await records.identities.replace(NAMED.delete(NOW).release_username(), 1)

    assert await records.identities.add(an_identity(id=an_id(2), user=a_user("Zoë")))


async def test_a_phone_is_detached_for_good(records: Repositories) -> None:
    await records.identities.add(a_deleted_identity())
    await records.identities.replace(a_deleted_identity().purge(NOW), 1)

    loaded = await records.identities.load(an_id())
    assert loaded is not None
    assert loaded.value.phone is None


@pytest.mark.parametrize("spelling", ["Zoë", "ZOË", "zoe\u0308"])
@pytest.mark.parametrize("holder", [NAMED, NAMED.delete(NOW)])
async def test_the_holder_of_a_name_is_found_by_any_spelling(
    records: Repositories, spelling: str, holder: Identity
) -> None:
    await records.identities.add(holder)
    await records.identities.add(ANOTHER)

    assert await records.identities.find_by_username(Username(spelling)) == Versioned(holder, 1)


async def test_a_name_that_nobody_has_has_no_holder(records: Repositories) -> None:
    await records.identities.add(an_identity())

    assert await records.identities.find_by_username(Username("Zoë")) is None


async def test_of_fifty_replacements_of_one_version_one_wins(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    await records.identities.add(an_identity())
    contenders = [an_identity(sessions=(a_session(id=an_id(number)),)) for number in range(50)]

    won = await asyncio.gather(
        *(
            (records, records_elsewhere)[number % 2].identities.replace(one, 1)
            for number, one in enumerate(contenders)
        )
    )

    assert won.count(True) == 1
    winner = contenders[won.index(True)]
    assert await records.identities.load(an_id()) == Versioned(winner, 2)


async def test_of_fifty_identities_added_under_one_id_one_is_there(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    contenders = [an_identity(phone=a_phone(number)) for number in range(50)]

    won = await asyncio.gather(
        *(
            (records, records_elsewhere)[number % 2].identities.add(one)
            for number, one in enumerate(contenders)
        )
    )

    assert won.count(True) == 1
    assert await records.identities.load(an_id()) == Versioned(contenders[won.index(True)], 1)


async def test_of_fifty_identities_that_want_one_name_one_gets_it(
    records: Repositories, records_elsewhere: Repositories
) -> None:
    contenders = [an_identity(id=an_id(number), user=a_user("Zoë")) for number in range(50)]

    outcomes = await asyncio.gather(
        *(
            (records, records_elsewhere)[number % 2].identities.add(one)
            for number, one in enumerate(contenders)
        ),
        return_exceptions=True,
    )

    assert outcomes.count(True) == 1
    assert sum(isinstance(one, UniqueViolation) for one in outcomes) == 49
    holder = await records.identities.find_by_username(Username("Zoë"))
    assert holder == Versioned(contenders[outcomes.index(True)], 1)


async def test_a_saved_identity_outlives_the_process_that_saved_it(
    open_records: OpenRecords,
) -> None:
    async with open_records() as records:
        await records.identities.add(an_identity())
        await records.identities.replace(NAMED, 1)

    async with open_records() as records:
        assert await records.identities.load(an_id()) == Versioned(NAMED, 2)
