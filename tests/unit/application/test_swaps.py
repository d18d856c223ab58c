"""Load, decide, compare and swap: bounded, and silent where nothing changes."""

from dataclasses import replace

import pytest

from application.identities.create_user import NewUser
from application.identities.username_claims import claim_username
from application.media.delete_item import DeleteItem
from application.media.find_item import FindItem
from application.ports.errors import StoreUnavailable, UsernameTaken
from application.ports.versioned import Versioned
from application.sign_in.verify_code import AnswerWithCode
from application.swaps import ROUNDS, change_identity, decide_on_phone
from domain.errors import Unauthenticated, Unavailable, UserNotSaved
from domain.identities.identity import Identity
from domain.identities.username import parse_username
from domain.phone import PhoneNumber
from domain.sign_in.code import parse_code
from domain.sign_in.phone_record import PhoneRecord
from tests.builders import ADDRESS, NOW, a_phone, a_tombstone, an_identity
from tests.fakes.records import InMemoryDatabase, InMemoryIdentities, InMemoryPhoneRecords
from tests.unit.application.breaking import (
    ContendedIdentities,
    ContendedItems,
    ContendedPhones,
)
from tests.unit.application.wiring import House


class CountedPhones(InMemoryPhoneRecords):
    """Fails when anything is written."""

    async def replace(self, phone: PhoneNumber, record: PhoneRecord, version: int) -> bool:
        raise AssertionError("nothing was to be written")


async def test_a_decision_that_changes_nothing_is_not_written() -> None:
    phones = CountedPhones(InMemoryDatabase())
    outcome = await decide_on_phone(phones, a_phone(), lambda record: (record, "as it was"))
    assert outcome == "as it was"


async def test_a_change_that_changes_nothing_is_not_written() -> None:
    database = InMemoryDatabase()
    await database.records().identities.add(an_identity())
    contended = ContendedIdentities(database)
    assert await change_identity(contended, an_identity().id, lambda same: same) == an_identity()


async def test_a_phone_that_is_always_lost_to_others_is_given_up() -> None:
    rounds = 0

    def decide(record: PhoneRecord) -> tuple[PhoneRecord, None]:
        nonlocal rounds
        rounds += 1
        return record.owned_by("somebody"), None

    with pytest.raises(StoreUnavailable):
        await decide_on_phone(ContendedPhones(InMemoryDatabase()), a_phone(), decide)
    assert rounds == ROUNDS


async def test_an_identity_that_is_always_lost_to_others_is_given_up() -> None:
    database = InMemoryDatabase()
    await database.records().identities.add(an_identity())
    with pytest.raises(StoreUnavailable):
        await change_identity(ContendedIdentities(database), an_identity().id, Identity.promoted)


async def test_the_decision_is_taken_anew_on_the_newer_record() -> None:
    database = InMemoryDatabase()
    phones = database.records().phone_records
    seen: list[str | None] = []

    def decide(record: PhoneRecord) -> tuple[PhoneRecord, None]:
        seen.append(record.identity_id)
        if len(seen) == 1:
            database.phone_records[a_phone()] = Versioned(record.owned_by("quicker"), 5)
        return record.owned_by("mine"), None

    await decide_on_phone(phones, a_phone(), decide)
    assert seen == [None, "quicker"]
    assert database.phone_records[a_phone()].value.identity_id == "mine"


async def test_nobody_changes_a_tombstone_or_nobody() -> None:
    database = InMemoryDatabase()
    await database.records().identities.add(a_tombstone())
    for identity_id in (a_tombstone().id, "nobody"):
        with pytest.raises(Unauthenticated):
            await change_identity(InMemoryIdentities(database), identity_id, Identity.promoted)


async def test_a_name_that_slips_away_each_time_is_given_up() -> None:
    async def save() -> None:
        raise UsernameTaken("a moment ago it was")

    identities = InMemoryIdentities(InMemoryDatabase())
    with pytest.raises(StoreUnavailable):
        await claim_username(identities, parse_username("Rahul"), NOW, save)


async def test_whatever_is_always_lost_to_others_is_unavailable_and_not_retried_for_ever() -> None:
    house = House()
    named, unnamed = await house.user(a_phone(1)), await house.sign_in(a_phone(2))
    item_id = (await house.upload(named)).item.id
    house.wait(3600)
    await house.ask(a_phone(2))
    code = parse_code(house.messenger.messages[-1].code)
    identities, items = ContendedIdentities(house.database), ContendedItems(house.database)
    find_item, do = FindItem(items, house.database.records().tombstones), house.use_cases
    doom = replace(do.delete_item.doom, media_items=items)
    new_user = NewUser(unnamed, parse_username("Priya"), a_phone(2))
    answer = AnswerWithCode(a_phone(2), code, ADDRESS)
    with pytest.raises(Unavailable):
        await replace(do.categorise_item, media_items=items)(named, item_id, "Party")
    with pytest.raises(Unavailable):
        await DeleteItem(find_item, doom)(named, item_id)
    with pytest.raises(UserNotSaved):
        await replace(do.create_user, identities=identities)(new_user)
    open_session = replace(do.verify_code.open_session, identities=identities)
    with pytest.raises(Unavailable):
        await replace(do.verify_code, open_session=open_session)(answer)
    with pytest.raises(Unavailable):
        await replace(do.sign_out, identities=identities)(named)
    with pytest.raises(Unavailable):
        await replace(do.delete_user, identities=identities)(named)
    with pytest.raises(Unavailable):
        await replace(do.rename_user, identities=identities)(named, parse_username("Priya"))
