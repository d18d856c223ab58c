"""Every question finds its documents by a range of an index, and nothing is sorted after reading.

What is explained is what the adapter has sent, so no question can be forgotten here and changed
there.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from adapters.mongo import open_mongo_records
from application.ports.repositories import Repositories
from domain.identities.username import Username
from domain.media.image import MediaKind
from domain.media.page import Cursor, ItemFilter
from domain.otp.phone_verification import PhoneVerification
from tests.integration.mongo_commands import Commands, examined, plan, watched
from tests.support.builders import (
    NOW,
    a_gif,
    a_phone,
    a_phone_record,
    an_id,
    an_identity,
    an_item,
)
from tests.support.fakes.seal import FakeSeal

Explain = Callable[[Awaitable[object]], Awaitable[list[list[str]]]]

OWNER, KIND = an_id(3), MediaKind.GIF
PAGES = {
    (None, None, None): "media_pages",
    (OWNER, None, None): "media_pages_owner",
    (None, KIND, None): "media_pages_kind",
    (None, None, "wheels"): "media_pages_category",
    (OWNER, KIND, None): "media_pages_owner_kind",
    (OWNER, None, "wheels"): "media_pages_owner_category",
    (None, KIND, "wheels"): "media_pages_kind_category",
    (OWNER, KIND, "wheels"): "media_pages_owner_kind_category",
}
CHOICES = pytest.mark.parametrize("choice", PAGES)


@pytest.fixture(scope="module")
def place(mongo_url: str) -> Iterator[str]:
    """A database with so many items of every sort that the indexes differ in what they cost."""
    server, question, options = mongo_url.partition("?")
    url = f"{server.rstrip('/')}/plans_{uuid.uuid4().hex}{question}{options}"
    asyncio.run(fill(url))
    yield url
    with MongoClient[dict[str, Any]](url) as client:
        client.drop_database(client.get_default_database())


async def fill(url: str) -> None:
    async with open_mongo_records(url, FakeSeal()) as records:
        await asyncio.gather(
            *(
                records.media_items.add(
                    (an_item, a_gif)[number % 2](
                        id=an_id(number),
                        owner_id=an_id(number % 7),
                        category=["wheels", "boats", None][number % 3],
                        created_at=NOW + timedelta(minutes=number),
                    )
                )
                for number in range(300)
            )
        )


@pytest.fixture
def client(place: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](place) as client:
        yield client


@pytest.fixture
async def opened(place: str) -> AsyncIterator[tuple[Repositories, Commands]]:
    async with watched(place) as opened:
        yield opened


@pytest.fixture
def records(opened: tuple[Repositories, Commands]) -> Repositories:
    return opened[0]


@pytest.fixture
def explain(opened: tuple[Repositories, Commands], client: MongoClient[dict[str, Any]]) -> Explain:
    """How MongoDB carries out what a call sends: the stages of each command."""
    _, commands = opened
    name = client.get_default_database().name

    async def explain(call: Awaitable[object]) -> list[list[str]]:
        commands.sent.clear()
        await call
        return [plan(client, name, one) for one in commands.sent if "insert" not in one]

    return explain


def indexes(stages: list[str]) -> list[str]:
    """The indexes that are read; nothing else may be, and nothing sorted."""
    assert not {"COLLSCAN", "SORT"} & set(stages)
    return [stage.partition(" ")[2] for stage in stages if "SCAN" in stage]


@CHOICES
async def test_a_page_is_a_range_of_the_index_made_for_its_choice(
    records: Repositories, explain: Explain, choice: tuple[str | None, MediaKind | None, str | None]
) -> None:
    [stages] = await explain(records.media_pages.list_page(ItemFilter(*choice), 20, 10))

    assert indexes(stages) == [PAGES[choice]]


@CHOICES
async def test_a_page_behind_a_position_is_one_range_of_the_same_index(
    records: Repositories, explain: Explain, choice: tuple[str | None, MediaKind | None, str | None]
) -> None:
    place = Cursor(NOW + timedelta(minutes=60), an_id(60))
    [stages] = await explain(records.media_pages.list_after(ItemFilter(*choice), place, 10))

    assert indexes(stages) == [PAGES[choice]]


@CHOICES
async def test_going_deep_by_cursor_examines_what_the_first_page_examines(
    opened: tuple[Repositories, Commands],
    client: MongoClient[dict[str, Any]],
    choice: tuple[str | None, MediaKind | None, str | None],
) -> None:
    records, commands = opened
    chosen, name = ItemFilter(*choice), client.get_default_database().name
    *_, last = await records.media_pages.list_page(chosen, 0, 5)
    commands.sent.clear()
    await records.media_pages.list_page(chosen, 0, 2)
    await records.media_pages.list_after(chosen, Cursor.after_item(last), 2)
    [first, deep] = [examined(client, name, one) for one in commands.sent]

    # What stands at the position is looked at besides, to be passed over.
    assert first == (2, 2)
    assert deep == (3, 3)


@CHOICES
async def test_counting_reads_the_same_range_and_no_document(
    records: Repositories, explain: Explain, choice: tuple[str | None, MediaKind | None, str | None]
) -> None:
    [stages] = await explain(records.media_pages.count(ItemFilter(*choice)))

    assert indexes(stages) == [PAGES[choice]]
    assert "FETCH" not in stages


def test_every_choice_of_a_page_is_looked_at() -> None:
    choices = itertools.product((None, OWNER), (None, KIND), (None, "wheels"))

    assert set(PAGES) == set(choices)


async def keep_and_drop(records: Repositories) -> None:
    await records.phone_verifications.replace(a_phone(), PhoneVerification(), 0)
    await records.phone_verifications.delete_expired(NOW, 10)


CALLS: dict[str, tuple[Callable[[Repositories], Awaitable[object]], list[list[str]]]] = {
    "identities.replace": (
        lambda records: records.identities.replace(an_identity(), 1),
        [["_id_"]],
    ),
    "identities.holder_of": (
        lambda records: records.identities.find_by_username(Username("Zoë")),
        [["identities_named"]],
    ),
    "identities.load, many": (
        lambda records: asyncio.gather(*map(records.identities.load, (an_id(1), an_id(2)))),
        [["_id_"]],
    ),
    "tombstones.among": (
        lambda records: records.deleted_identities.find_deleted([an_id(1), an_id(2)]),
        [["_id_"]],
    ),
    "tombstones.unswept": (
        lambda records: records.deleted_identities.list_unpurged(10),
        [["identities_unswept"]],
    ),
    "tombstones.named_before": (
        lambda records: records.deleted_identities.list_with_username(NOW, 10),
        [["identities_holding"]],
    ),
    "phone_records.replace": (
        lambda records: records.phone_verifications.replace(a_phone(), a_phone_record(), 1),
        [["_id_"]],
    ),
    "phone_records.drop_lapsed": (
        keep_and_drop,
        [["phone_records_lapsing"], ["_id_"]],
    ),
    "media_items.find": (
        lambda records: records.media_items.find_by_storage_key("a key"),
        [["media_items_file"]],
    ),
    "media_items.find, many": (
        lambda records: asyncio.gather(*map(records.media_items.find_by_storage_key, "ab")),
        [["media_items_file"]],
    ),
    "media_items.replace": (
        lambda records: records.media_items.replace(an_item(), 1),
        [["_id_"]],
    ),
    "media_items.remove": (
        lambda records: records.media_items.delete(an_id(), 1),
        [["_id_"]],
    ),
    "media_leftovers.owned_by": (
        lambda records: records.media_cleanup.list_owned_by(OWNER, 10),
        [["media_items_owned"]],
    ),
    "media_leftovers.abandoned": (
        lambda records: records.media_cleanup.list_expired_uploads(NOW, 10),
        [["media_items_leased"]],
    ),
    "media_leftovers.doomed_before": (
        lambda records: records.media_cleanup.list_deleting(NOW, 10),
        [["media_items_doomed"]],
    ),
}


@pytest.mark.parametrize("name", CALLS)
async def test_every_other_question_is_a_range_of_its_index(
    records: Repositories, explain: Explain, name: str
) -> None:
    call, expected = CALLS[name]

    assert [indexes(stages) for stages in await explain(call(records))] == expected


async def test_a_single_point_read_needs_no_plan(records: Repositories, explain: Explain) -> None:
    plans = [
        *await explain(records.identities.load(an_id())),
        *await explain(records.phone_verifications.load(a_phone())),
        *await explain(records.media_items.load(an_id())),
        *await explain(records.health.check()),
    ]

    # IDHACK, by its newer name EXPRESS: the one document of an id, straight from its index.
    assert all(
        any(stage.startswith(("IDHACK", "EXPRESS", "IXSCAN _id_")) for stage in stages)
        for stages in plans
    )
    assert len(plans) == 4
