"""Every query is a range of an index, and nothing is sorted after it was read.

The tests explain the commands that the adapter sent.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from adapters.mongo import open_mongo_repositories
from application.ports.repositories import Repositories
from domain.identities.username import Username
from domain.media.image import MediaKind
from domain.media.page import ItemFilter
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import RateLimit, Reservation
from domain.otp.sliding_window import SlidingWindow
from domain.page import MAX_PAGE_SIZE, Cursor
from tests.integration.mongo_support import (
    Client,
    CommandLog,
    examined,
    open_logged,
    plan,
    statements,
)
from tests.support.builders import (
    NOW,
    a_call,
    a_delivery_report,
    a_gif,
    a_phone,
    a_phone_verification,
    a_recording,
    an_id,
    an_identity,
    an_item,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption

Explain = Callable[[Awaitable[object]], Awaitable[list[list[str]]]]

OWNER, KIND = an_id(3), MediaKind.GIF
ALL_FILTERS = pytest.mark.parametrize(
    "filters",
    [
        ItemFilter(*values)
        for values in itertools.product((None, OWNER), (None, KIND), (None, "wheels"))
    ],
)


@pytest.fixture(scope="module")
def url(mongo_url: str) -> Iterator[str]:
    """A database with enough items of all kinds that indexes differ in their cost."""
    server, question_mark, options = mongo_url.partition("?")
    database_url = f"{server.rstrip('/')}/plans_{uuid.uuid4().hex}{question_mark}{options}"
    asyncio.run(fill(database_url))
    yield database_url
    with MongoClient[dict[str, Any]](database_url) as client:
        client.drop_database(client.get_default_database())


async def fill(url: str) -> None:
    async with open_mongo_repositories(url, FakePhoneEncryption()) as repositories:
        await asyncio.gather(
            *(
                repositories.media_items.add(
                    (an_item, a_gif)[number % 2](
                        id=an_id(number),
                        owner_id=an_id(number % 7),
                        category=["wheels", "boats", None][number % 3],
                        created_at=NOW + timedelta(minutes=number),
                    )
                )
                for number in range(300)
            ),
            *(
                repositories.calls.add(
                    a_call(
                        id=an_id(number),
                        identity_id=[an_id(number % 7), None][number % 2],
                        started_at=NOW + timedelta(minutes=number),
                        recordings=[(), (a_recording(),)][number % 3 == 0],
                    )
                )
                for number in range(300)
            ),
        )


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with MongoClient[dict[str, Any]](url) as client:
        yield client


@pytest.fixture
async def opened(url: str) -> AsyncIterator[tuple[Repositories, CommandLog]]:
    async with open_logged(url) as opened:
        yield opened


@pytest.fixture
def repositories(opened: tuple[Repositories, CommandLog]) -> Repositories:
    return opened[0]


@pytest.fixture
def explain(opened: tuple[Repositories, CommandLog], client: Client) -> Explain:
    """Return the stages of the query plans of all commands that a call sends."""
    _, log = opened
    name = client.get_default_database().name

    async def explain(call: Awaitable[object]) -> list[list[str]]:
        log.sent.clear()
        await call
        return [
            plan(client, name, statement)
            for command in log.sent
            if "insert" not in command
            for statement in statements(command)
        ]

    return explain


def indexes(stages: list[str]) -> list[str]:
    """Return the indexes that are read; no collection scan and no sort is allowed."""
    assert not {"COLLSCAN", "SORT"} & set(stages)
    return [stage.partition(" ")[2] for stage in stages if "SCAN" in stage]


@ALL_FILTERS
async def test_a_page_and_a_count_are_ranges_of_the_index_of_their_filters(
    repositories: Repositories, explain: Explain, filters: ItemFilter
) -> None:
    pages, cursor = repositories.media_pages, Cursor(NOW + timedelta(minutes=60), an_id(60))
    fields = [name for name in ("owner_id", "kind", "category") if getattr(filters, name)]
    index = "_".join(["media_items", *fields, "created_at"])

    async def explain_page(call: Awaitable[object]) -> list[list[str]]:
        # The query of deleted owners, which may go out at the same time, is the last.
        return sorted(await explain(call), key=lambda stages: indexes(stages) == ["_id_"])

    first, owners = await explain_page(pages.list_page(filters, 0, 10))
    skipped, page, _ = await explain_page(pages.list_page(filters, 5, 10))
    later, _ = await explain_page(pages.list_after(filters, cursor, 10))
    [counted] = await explain(pages.count(filters, 10_001))

    for stages in (first, skipped, page, later, counted):
        assert indexes(stages) == [index]
    assert indexes(owners) == ["_id_"]
    assert "FETCH" not in (*skipped, *counted)


@ALL_FILTERS
async def test_a_deep_page_examines_as_little_as_the_first_and_a_count_no_more_than_its_limit(
    opened: tuple[Repositories, CommandLog], client: Client, filters: ItemFilter
) -> None:
    repositories, log = opened
    name = client.get_default_database().name
    *_, last_of_page = await repositories.media_pages.list_page(filters, 0, 5)
    last = last_of_page.item
    log.sent.clear()
    await repositories.media_pages.list_page(filters, 0, 2)
    await repositories.media_pages.list_after(filters, Cursor(last.created_at, last.id), 2)
    await repositories.media_pages.count(filters, 5)
    first, deep, (keys, documents) = [
        examined(client, name, command)
        for command in log.sent
        if "media_items" in command.values()  # The others find deleted owners.
    ]

    # The item at the cursor is examined and skipped.
    assert (first, deep) == ((2, 2), (3, 3))
    assert keys <= 6
    assert documents == 0


async def test_the_largest_page_is_one_reply(opened: tuple[Repositories, CommandLog]) -> None:
    repositories, log = opened
    log.sent.clear()

    items = await repositories.media_pages.list_page(ItemFilter(), 0, MAX_PAGE_SIZE + 1)

    assert len(items) == MAX_PAGE_SIZE + 1
    assert log.names == ["find", "find"]  # The second finds deleted owners.


@pytest.mark.parametrize(
    "item_filter",
    [
        ItemFilter(category="nothing"),
        ItemFilter(owner_id=an_id(900)),
        ItemFilter(OWNER, KIND, "nothing"),
        ItemFilter(an_id(900), KIND, "wheels"),
    ],
)
async def test_a_filter_that_matches_nothing_examines_nothing(
    opened: tuple[Repositories, CommandLog], client: Client, item_filter: ItemFilter
) -> None:
    repositories, log = opened
    log.sent.clear()
    await repositories.media_pages.count(item_filter, 10_001)
    await repositories.media_pages.list_page(item_filter, 0, 10)
    await repositories.media_pages.list_after(item_filter, Cursor(NOW, an_id(60)), 10)
    name = client.get_default_database().name

    for command in log.sent:
        keys, documents = examined(client, name, command)
        assert keys <= 1
        assert documents == 0


@pytest.mark.parametrize(
    ("identity_id", "index"), [(None, "calls_started_at"), (OWNER, "calls_identity_id")]
)
async def test_a_page_of_calls_is_one_range_of_the_index_in_its_order(
    opened: tuple[Repositories, CommandLog], client: Client, identity_id: str | None, index: str
) -> None:
    repositories, log = opened
    pages, name = repositories.call_pages, client.get_default_database().name
    *_, last = await pages.list_after(identity_id, None, 5)
    log.sent.clear()
    await pages.list_after(identity_id, None, 2)
    await pages.list_after(identity_id, Cursor(last.started_at, last.id), 2)

    assert [indexes(plan(client, name, command)) for command in log.sent] == [[index], [index]]
    # The call at the cursor is examined and skipped.
    assert [examined(client, name, command) for command in log.sent] == [(2, 2), (3, 3)]


async def add_and_delete_expired(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(), PhoneVerification(), 0)
    await repositories.phone_verifications.delete_expired(NOW, 10)


async def add_and_prune(repositories: Repositories) -> None:
    await repositories.phone_verifications.replace(a_phone(), a_phone_verification(), 0)
    await repositories.phone_verifications.prune(NOW + timedelta(days=1), 10)


async def reserve_and_delete_expired(repositories: Repositories) -> None:
    limit = RateLimit("total", SlidingWindow(1, timedelta(hours=1)))
    await repositories.rate_limiter.acquire(Reservation("1", NOW, (limit,)))
    await repositories.rate_limiter.delete_expired(NOW + timedelta(hours=2), 10)


async def add_and_delete_expired_report(repositories: Repositories) -> None:
    await repositories.delivery_reports.add(a_delivery_report())
    await repositories.delivery_reports.delete_expired(NOW + timedelta(days=1), 10)


CALLS: dict[str, tuple[Callable[[Repositories], Awaitable[object]], list[list[str]]]] = {
    "replace identity": (lambda db: db.identities.replace(an_identity(), 1), [["_id_"]]),
    "find by username": (
        lambda db: db.identities.find_by_username(Username("Zoë")),
        [["identities_username_key"]],
    ),
    "load identities": (
        lambda repositories: asyncio.gather(
            *map(repositories.identities.load, (an_id(1), an_id(2)))
        ),
        [["_id_"]],
    ),
    "find deleted identities": (
        lambda db: db.deleted_identities.find_deleted([an_id(1), an_id(2)]),
        [["_id_"]],
    ),
    "list identities to purge": (
        lambda db: db.deleted_identities.list_unpurged(10),
        [["identities_purged_at"]],
    ),
    "list usernames to release": (
        lambda db: db.deleted_identities.list_with_username(NOW, 10),
        [["identities_deleted_at"]],
    ),
    "replace phone verification": (
        lambda db: db.phone_verifications.replace(a_phone(), a_phone_verification(), 1),
        [["_id_"]],
    ),
    "delete expired phone verifications": (
        add_and_delete_expired,
        [["phone_verifications_expires_at"], ["_id_"]],
    ),
    "prune phone verifications": (
        add_and_prune,
        [["phone_verifications_client_ips_expire_at"], ["_id_"]],
    ),
    "reserve, and delete expired rate limits": (
        reserve_and_delete_expired,
        [
            ["_id_"],
            [],
            *(["rate_limits_expires_at"], ["_id_"]),
            *(["rate_limits_reservations_expires_at"], ["_id_"]),
        ],
    ),
    "find by storage key": (
        lambda db: db.media_items.find_by_storage_key("a-key"),
        [["media_items_storage_key"]],
    ),
    "find many by storage key": (
        lambda repositories: asyncio.gather(
            *map(repositories.media_items.find_by_storage_key, "ab")
        ),
        [["media_items_storage_key"]],
    ),
    "replace item": (lambda db: db.media_items.replace(an_item(), 1), [["_id_"]]),
    "delete item": (lambda db: db.media_items.delete(an_id(), 1), [["_id_"]]),
    "list items of an owner": (
        lambda db: db.media_cleanup.list_owned_by(OWNER, 10),
        [["media_items_owner_id"]],
    ),
    "list expired uploads": (
        lambda db: db.media_cleanup.list_expired_uploads(NOW, 10),
        [["media_items_upload_deadline"]],
    ),
    "list items to delete": (
        lambda db: db.media_cleanup.list_deleting(NOW, 10),
        [["media_items_deletion_requested_at"]],
    ),
    "list refused deletions": (
        lambda db: db.media_cleanup.list_refused_deletions(10),
        [["media_items_deletion_refused"]],
    ),
    "replace call": (lambda db: db.calls.replace(a_call(), 7), [["_id_"]]),
    "delete call": (lambda db: db.call_cleanup.delete(an_id(), 7), [["_id_"]]),
    "list old calls": (lambda db: db.call_cleanup.list_started(NOW, 10), [["calls_started_at"]]),
    "list calls of an identity": (
        lambda db: db.call_cleanup.list_of_identity(OWNER, 10),
        [["calls_identity_id"]],
    ),
    "list calls with old recordings": (
        lambda db: db.call_cleanup.list_recorded(NOW, 10),
        [["calls_oldest_recording_at"]],
    ),
    "replace report": (lambda db: db.delivery_reports.replace(a_delivery_report(), 1), [["_id_"]]),
    "delete expired reports": (
        add_and_delete_expired_report,
        [["delivery_reports_expires_at"], ["_id_"]],
    ),
    "acquire lease": (lambda db: db.leases.acquire("cleanup", NOW, NOW), [["_id_"]]),
}


async def test_every_other_query_is_a_range_of_its_index(
    repositories: Repositories, explain: Explain
) -> None:
    explained = {name: await explain(call(repositories)) for name, (call, _) in CALLS.items()}

    found = {name: [indexes(stages) for stages in plans] for name, plans in explained.items()}
    assert found == {name: expected for name, (_, expected) in CALLS.items()}


async def test_a_point_read_needs_no_plan(repositories: Repositories, explain: Explain) -> None:
    plans = [
        *await explain(repositories.identities.load(an_id())),
        *await explain(repositories.phone_verifications.load(a_phone())),
        *await explain(repositories.media_items.load(an_id())),
        *await explain(repositories.calls.load(an_id())),
        *await explain(repositories.delivery_reports.load("a report")),
        *await explain(repositories.health.check()),
    ]

    # IDHACK (EXPRESS in newer versions) reads the document of an id without planning.
    assert all(
        any(stage.startswith(("IDHACK", "EXPRESS", "IXSCAN _id_")) for stage in stages)
        for stages in plans
    )
    assert len(plans) == 6
