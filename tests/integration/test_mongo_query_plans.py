"""Every query is a range of an index, and nothing is sorted after it was read.

The tests explain the commands that the adapter sent.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from pymongo import MongoClient

from adapters.mongo import open_mongo_repositories
from application.ports.repositories import Repositories
from domain.media.image import MediaKind
from domain.media.page import ItemFilter
from domain.page import Cursor
from tests.contract.test_storage_errors import OPERATIONS
from tests.integration.mongo_support import (
    Client,
    CommandLog,
    open_logged,
    plan,
    statements,
)
from tests.support.builders import (
    NOW,
    a_call,
    a_gif,
    a_recording,
    an_id,
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
                for number in range(2, 302)
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
                for number in range(2, 302)
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
async def test_a_page_and_a_count_are_one_or_two_ranges_of_the_index_of_their_filters(
    repositories: Repositories, explain: Explain, filters: ItemFilter
) -> None:
    pages, cursor = repositories.media_items, Cursor(NOW + timedelta(minutes=60), an_id(60))
    fields = [name for name in ("owner_id", "category") if getattr(filters, name)]
    index = "_".join(["media_items", *(fields or ["kind"])])

    [first] = await explain(pages.list_page(filters, 0, 10))
    skipped, page = await explain(pages.list_page(filters, 5, 10))
    [later] = await explain(pages.list_after(filters, cursor, 10))
    [counted] = await explain(pages.count(filters, 10_001))

    for stages in (first, skipped, page, later, counted):
        # Only a page of several kinds merges: one range for each.
        is_merged = "SORT_MERGE" in stages
        assert indexes(stages) == [index] * (1 + is_merged)
        assert not (is_merged and filters.kind)
    assert "FETCH" not in (*skipped, *counted)


INDEXES: Final = {
    "phone_verifications.delete_expired": {"phone_verifications_expires_at"},
    "phone_verifications.prune": {"phone_verifications_client_ips_expire_at"},
    "rate_limiter.delete_expired": {
        "rate_limits_expires_at",
        "rate_limits_reservations_expires_at",
    },
    "identities.find_by_username": {"identities_username_key"},
    "identities.list_unpurged": {"identities_purged_at"},
    "identities.list_with_username": {"identities_deleted_at"},
    "media_items.list_page": {"media_items_kind"},
    "media_items.list_after": {"media_items_kind"},
    "media_items.count": {"media_items_kind"},
    "media_items.list_owned_by": {"media_items_owner_id"},
    "media_items.list_expired_uploads": {"media_items_cleanup_at"},
    "media_items.list_deleting": {"media_items_cleanup_at"},
    "media_items.list_refused_deletions": {"media_items_cleanup_at"},
    "media_items.list_ready_sizes": {"media_items_owner_id"},
    "media_items.list_deleting_ids": {"media_items_owner_id"},
    "media_usages.list_due": {"media_usages_recount_at"},
    "idempotency_keys.delete_expired": {"idempotency_keys_expires_at"},
    "calls.list_after": {"calls_started_at"},
    "calls.list_after of an identity": {"calls_identity_id"},
    "calls.list_started": {"calls_started_at"},
    "calls.list_of_identity": {"calls_identity_id"},
    "calls.list_recorded": {"calls_oldest_recording_at"},
    "calls.list_unfinished": {"calls_unfinished_since"},
    "identities.list_expired": {"identities_expires_at"},
    "delivery_reports.delete_expired": {"delivery_reports_expires_at"},
}
"""What each operation reads, besides documents by their ids."""


async def test_every_other_query_reads_documents_by_their_ids_or_a_range_of_its_index(
    repositories: Repositories, explain: Explain
) -> None:
    for name, operation in OPERATIONS.items():
        plans = await explain(operation(repositories))

        read = {index for stages in plans for index in indexes(stages)}
        assert read - {"_id_"} == INDEXES.get(name, set()), name
