"""The sweeper clears away what nothing shows any more, and nothing else."""

import asyncio
from datetime import timedelta

import pytest

from application.operations.cleanup import CleanupReport
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, ItemState
from domain.otp.phone_verification import TRUSTED_IP_TTL, PhoneVerification
from tests.support.builders import (
    NOW,
    a_deleted_identity,
    a_phone,
    a_phone_verification,
    a_user,
    an_id,
    an_identity,
    an_item,
)
from tests.unit.application.wiring import House

TICK = timedelta(milliseconds=1)


@pytest.fixture
def house() -> House:
    return House()


async def test_where_nothing_is_left_over_nothing_is_swept(house: House) -> None:
    principal = await house.user()
    shown = await house.upload(principal)
    assert await house.use_cases.cleanup() == CleanupReport()
    assert (await house.use_cases.authenticate(await house.token())).identity.user
    assert (await house.use_cases.get_item(shown.item.id)).item == shown.item
    assert shown.item.storage_key in house.files.kept


# Uploads


async def test_an_upload_is_given_up_when_its_lease_is_over(house: House) -> None:
    item = an_item(state=ItemState.PENDING)
    await house.database.records().media_items.add(item)
    house.files.kept[item.storage_key] = b"perhaps"
    house.clock.advance(UPLOAD_TIMEOUT - TICK)
    assert await house.use_cases.cleanup() == CleanupReport()
    house.clock.advance(TICK)
    assert await house.use_cases.cleanup() == CleanupReport(abandoned_uploads=1)
    assert house.files.kept == {}


async def test_a_doomed_items_file_is_removed_once_more_and_then_its_record(house: House) -> None:
    item = an_item(state=ItemState.DELETING, deletion_requested_at=NOW)
    await house.database.records().media_items.add(item)
    house.clock.advance(FILE_DELETION_DELAY - TICK)
    assert await house.use_cases.cleanup() == CleanupReport()
    house.files.kept[item.storage_key] = b"from a very slow upload"
    house.clock.advance(TICK)
    assert await house.use_cases.cleanup() == CleanupReport(removed_items=1)
    assert house.files.kept == {}
    assert house.database.media_items == {}


async def test_while_the_store_does_not_let_go_the_record_stays(house: House) -> None:
    item = an_item(state=ItemState.DELETING, deletion_requested_at=NOW)
    await house.database.records().media_items.add(item)
    house.clock.advance(FILE_DELETION_DELAY)
    house.files.broken = True
    assert await house.use_cases.cleanup() == CleanupReport()
    house.files.broken = False
    assert await house.use_cases.cleanup() == CleanupReport(removed_items=1)


async def test_a_store_that_is_away_holds_up_nothing_else(house: House) -> None:
    records = house.database.records()
    await records.media_items.add(an_item(state=ItemState.DELETING, deletion_requested_at=NOW))
    await records.identities.add(a_deleted_identity(user=a_user()))
    await records.phone_verifications.replace(a_phone(), PhoneVerification(), 0)
    house.clock.advance(timedelta(days=30))
    house.files.broken = True
    swept = await house.use_cases.cleanup()
    assert swept == CleanupReport(deleted_identities=1, freed_usernames=1, lapsed_phone_records=1)


async def test_what_uploads_left_unfinished_in_the_store_goes_when_none_can_go_on(
    house: House,
) -> None:
    house.files.unfinished = [NOW, NOW + TICK]
    house.clock.advance(FILE_DELETION_DELAY + TICK)
    assert await house.use_cases.cleanup() == CleanupReport(unfinished_files=1)
    assert house.files.unfinished == [NOW + TICK]


# Deleted identities


async def test_whatever_a_deleted_identity_left_behind_goes(house: House) -> None:
    principal = await house.user()
    house.files.broken = True
    await house.use_cases.delete_user(principal)
    house.files.broken = False
    await house.database.records().media_items.add(an_item(owner_id=principal.identity.id))
    assert (await house.use_cases.cleanup()).deleted_identities == 1
    tombstone = house.database.identities[principal.identity.id].value
    assert (tombstone.purged_at, tombstone.phone, tombstone.is_deleted) == (
        house.clock.now(),
        None,
        True,
    )
    assert house.database.phone_verifications[a_phone()].value.identity_id is None
    states = {one.value.state for one in house.database.media_items.values()}
    assert states == {ItemState.DELETING}


async def test_more_items_than_one_call_takes_all_go(house: House) -> None:
    tombstone = a_deleted_identity()
    records = house.database.records()
    await records.identities.add(tombstone)
    for number in range(450):
        await records.media_items.add(an_item(id=an_id(1000 + number), owner_id=tombstone.id))
    await house.use_cases.cleanup()
    assert {one.value.state for one in house.database.media_items.values()} == {ItemState.DELETING}


async def test_a_deleted_identity_without_a_phone_is_swept_too(house: House) -> None:
    await house.database.records().identities.add(a_deleted_identity(phone=None))
    assert await house.use_cases.cleanup() == CleanupReport(deleted_identities=1)


async def test_a_phone_that_has_somebody_new_stays_theirs(house: House) -> None:
    before = await house.user()
    await house.use_cases.delete_user(before)
    after = await house.sign_in()
    await house.use_cases.cleanup()
    assert house.database.phone_verifications[a_phone()].value.identity_id == after.identity.id
    assert (await house.sign_in()).identity.id == after.identity.id


async def test_budgets_and_tries_of_the_phone_outlive_the_deletion(house: House) -> None:
    principal = await house.user()
    before = house.database.phone_verifications[a_phone()].value
    await house.use_cases.delete_user(principal)
    await house.use_cases.cleanup()
    assert house.database.phone_verifications[a_phone()].value == before.assign_identity(None)


async def test_the_living_are_left_alone(house: House) -> None:
    records = house.database.records()
    await records.identities.add(an_identity(user=a_user()))
    await records.media_items.add(an_item(owner_id=an_identity().id))
    house.clock.advance(timedelta(days=10_000))
    assert await house.use_cases.cleanup() == CleanupReport()


# Names


async def test_a_name_is_free_thirty_days_after_its_identity_was_deleted(house: House) -> None:
    tombstone = a_deleted_identity(user=a_user(), purged_at=NOW, phone=None)
    await house.database.records().identities.add(tombstone)
    house.clock.advance(timedelta(days=30) - TICK)
    assert await house.use_cases.cleanup() == CleanupReport()
    house.clock.advance(TICK)
    assert await house.use_cases.cleanup() == CleanupReport(freed_usernames=1)
    assert house.database.identities[tombstone.id].value.username_key is None


# Phones


async def test_a_phones_record_goes_when_nothing_in_it_counts(house: House) -> None:
    await house.database.records().phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    house.clock.advance(timedelta(days=1) - TICK)
    assert await house.use_cases.cleanup() == CleanupReport()
    house.clock.advance(TICK)
    assert await house.use_cases.cleanup() == CleanupReport(lapsed_phone_records=1)
    assert house.database.phone_verifications == {}


async def test_the_record_of_a_phone_that_is_somebodys_stays(house: House) -> None:
    await house.sign_in()
    house.clock.advance(TRUSTED_IP_TTL * 2)
    assert await house.use_cases.cleanup() == CleanupReport()
    assert a_phone() in house.database.phone_verifications


async def test_the_record_of_a_deleted_identitys_phone_goes_in_its_time(house: House) -> None:
    principal = await house.sign_in()
    await house.use_cases.delete_user(principal)
    await house.use_cases.cleanup()
    assert a_phone() in house.database.phone_verifications
    house.clock.advance(TRUSTED_IP_TTL)
    assert (await house.use_cases.cleanup()).lapsed_phone_records == 1


# However often


async def test_sweeping_again_sweeps_nothing(house: House) -> None:
    principal = await house.user()
    await house.upload(principal)
    await house.use_cases.delete_user(principal)
    assert (await house.use_cases.cleanup()).total > 0
    before = dict(house.database.identities), dict(house.database.phone_verifications)
    assert await house.use_cases.cleanup() == CleanupReport()
    assert (house.database.identities, house.database.phone_verifications) == before


async def test_several_sweepers_at_once_do_the_work_of_one(house: House) -> None:
    records = house.database.records()
    for number in range(300):
        await records.identities.add(a_deleted_identity(id=an_id(number), phone=a_phone(number)))
        item = an_item(id=an_id(5000 + number), owner_id=an_id(number))
        await records.media_items.add(item)
    swept = await asyncio.gather(*(house.use_cases.cleanup() for _ in range(4)))
    assert sum(one.deleted_identities for one in swept) == 300
    assert all(one.value.purged_at for one in house.database.identities.values())
    assert await house.use_cases.cleanup() == CleanupReport()
