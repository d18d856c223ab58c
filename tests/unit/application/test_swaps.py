"""Load, decide, compare and swap: bounded, and silent where nothing changes."""

from dataclasses import replace

import pytest

from application.identities.users import CreateUserCommand, reserve_username
from application.media.library import DeleteItem, FindItem
from application.otp.verify_otp import VerifyOtpCommand
from application.ports.errors import StorageUnavailable, UniqueViolation
from application.ports.versioned import Versioned
from application.update import MAX_RETRIES, update_identity, update_phone_verification
from domain.errors import Unauthenticated, Unavailable, UserSaveFailed
from domain.identities.identity import Identity
from domain.identities.username import parse_username
from domain.otp.challenge import parse_otp_code
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from tests.support.builders import CLIENT_IP, NOW, a_deleted_identity, a_phone, an_identity
from tests.support.fakes.records import InMemoryDatabase, InMemoryIdentities, InMemoryPhoneRecords
from tests.unit.application.breaking import (
    ContendedIdentities,
    ContendedItems,
    ContendedPhones,
)
from tests.unit.application.wiring import House


class CountedPhones(InMemoryPhoneRecords):
    """Fails when anything is written."""

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        raise AssertionError("nothing was to be written")


async def test_a_decision_that_changes_nothing_is_not_written() -> None:
    phones = CountedPhones(InMemoryDatabase())
    outcome = await update_phone_verification(
        phones, a_phone(), lambda record: (record, "as it was")
    )
    assert outcome == "as it was"


async def test_a_change_that_changes_nothing_is_not_written() -> None:
    database = InMemoryDatabase()
    await database.records().identities.add(an_identity())
    contended = ContendedIdentities(database)
    assert await update_identity(contended, an_identity().id, lambda same: same) == an_identity()


async def test_a_phone_that_is_always_lost_to_others_is_given_up() -> None:
    rounds = 0

    def decide(record: PhoneVerification) -> tuple[PhoneVerification, None]:
        nonlocal rounds
        rounds += 1
        return record.assign_identity("somebody"), None

    with pytest.raises(StorageUnavailable):
        await update_phone_verification(ContendedPhones(InMemoryDatabase()), a_phone(), decide)
    assert rounds == MAX_RETRIES


async def test_an_identity_that_is_always_lost_to_others_is_given_up() -> None:
    database = InMemoryDatabase()
    await database.records().identities.add(an_identity())
    with pytest.raises(StorageUnavailable):
        await update_identity(ContendedIdentities(database), an_identity().id, Identity.promote)


async def test_the_decision_is_taken_anew_on_the_newer_record() -> None:
    database = InMemoryDatabase()
    phones = database.records().phone_verifications
    seen: list[str | None] = []

    def decide(record: PhoneVerification) -> tuple[PhoneVerification, None]:
        seen.append(record.identity_id)
        if len(seen) == 1:
            database.phone_verifications[a_phone()] = Versioned(
                record.assign_identity("quicker"), 5
            )
        return record.assign_identity("mine"), None

    await update_phone_verification(phones, a_phone(), decide)
    assert seen == [None, "quicker"]
    assert database.phone_verifications[a_phone()].value.identity_id == "mine"


async def test_nobody_changes_a_tombstone_or_nobody() -> None:
    database = InMemoryDatabase()
    await database.records().identities.add(a_deleted_identity())
    for identity_id in (a_deleted_identity().id, "nobody"):
        with pytest.raises(Unauthenticated):
            await update_identity(InMemoryIdentities(database), identity_id, Identity.promote)


async def test_a_name_that_slips_away_each_time_is_given_up() -> None:
    async def save() -> None:
        raise UniqueViolation("a moment ago it was")

    identities = InMemoryIdentities(InMemoryDatabase())
    with pytest.raises(StorageUnavailable):
        await reserve_username(identities, parse_username("Rahul"), NOW, save)


async def test_whatever_is_always_lost_to_others_is_unavailable_and_not_retried_for_ever() -> None:
    house = House()
    named, unnamed = await house.user(a_phone(1)), await house.sign_in(a_phone(2))
    item_id = (await house.upload(named)).item.id
    house.wait(3600)
    await house.ask(a_phone(2))
    code = parse_otp_code(house.messenger.messages[-1].code)
    identities, items = ContendedIdentities(house.database), ContendedItems(house.database)
    find_item, do = FindItem(items, house.database.records().deleted_identities), house.use_cases
    mark_for_deletion = replace(do.delete_item.mark_for_deletion, media_items=items)
    new_user = CreateUserCommand(unnamed, parse_username("Priya"), a_phone(2))
    answer = VerifyOtpCommand(a_phone(2), code, CLIENT_IP)
    with pytest.raises(Unavailable):
        await replace(do.categorize_item, media_items=items)(named, item_id, "Party")
    with pytest.raises(Unavailable):
        await DeleteItem(find_item, mark_for_deletion)(named, item_id)
    with pytest.raises(UserSaveFailed):
        await replace(do.create_user, identities=identities)(new_user)
    add_session = replace(do.verify_otp.add_session, identities=identities)
    with pytest.raises(Unavailable):
        await replace(do.verify_otp, add_session=add_session)(answer)
    with pytest.raises(Unavailable):
        await replace(do.logout, identities=identities)(named)
    with pytest.raises(Unavailable):
        await replace(do.delete_user, identities=identities)(named)
    with pytest.raises(Unavailable):
        await replace(do.rename_user, identities=identities)(named, parse_username("Priya"))
