"""Every query is a range of an index, and nothing is sorted after it was read.

The tests explain the commands that the adapter sent.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio
from pymongo import MongoClient

from adapters.databases.mongo import record_store
from adapters.databases.records.database import Database
from adapters.databases.records.features.media import ITEM_PAGES, MEDIA_ITEMS
from adapters.databases.records.kinds import ALL_USERNAMES, IDENTITIES
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import EXPIRES_AT, RecordKind
from entrypoints.composition.features import KINDS
from tests.contract.suites.storage.test_storage_errors import OPERATIONS
from tests.integration.adapters.databases.index_searches import INDEXES, searches_in, values_of
from tests.integration.adapters.databases.mongo.mongo_support import (
    Client,
    CommandLog,
    open_logged,
    plan,
    statements,
)
from tests.support.builders import NOW
from tests.support.repositories import open_mongo_repositories

Explain = Callable[[Awaitable[object]], Awaitable[list[list[str]]]]

RECORDS: Final = 300
MIDDLE: Final = NOW + timedelta(minutes=RECORDS // 2)
TIMES: Final = {EXPIRES_AT, *(index.order for kind in (*KINDS, LIMITS) for index in kind.indexes)}
PAGED: Final = [(kind, index) for kind, index in INDEXES if index.is_paged]

# All tests share one open database: to open it takes longer than most of them.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest.fixture(scope="module")
def url(mongo_url: str) -> Iterator[str]:
    """A database with enough documents of each kind that indexes differ in their cost."""
    server, question_mark, options = mongo_url.partition("?")
    database_url = f"{server.rstrip('/')}/plans_{uuid.uuid4().hex}{question_mark}{options}"
    asyncio.run(create(database_url))
    with MongoClient[dict[str, Any]](database_url) as client:
        database = client.get_default_database()
        for kind in (*KINDS, LIMITS):
            # Queries read no other fields than those of indexes, so documents have no others.
            documents = [a_document(kind, number) for number in range(RECORDS)]
            database[kind.name].insert_many(documents)
        yield database_url
        client.drop_database(database)


async def create(url: str) -> None:
    async with open_mongo_repositories(url):
        pass


def a_document(kind: RecordKind[Any], number: int) -> dict[str, Any]:
    """A document that has all fields of indexes, or every second one of them."""
    fields = {
        name: NOW + timedelta(minutes=number) if name in TIMES else f"value {number % 3}"
        for position, name in enumerate(kind.indexed_fields)
        if number % 2 or position % 2
    }
    unique = {name for index in kind.indexes if index.is_unique for name in index.equal}
    fields |= dict.fromkeys(unique & fields.keys(), f"value {number}")
    if "state" in kind.indexed_fields:
        fields["state"] = "pending" if number % 5 == 0 else "ready"
    return {"_id": f"{number:05}", "version": 1, **fields}


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    with MongoClient[dict[str, Any]](url) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(url: str) -> AsyncIterator[tuple[Database, CommandLog]]:
    async with open_logged(url) as opened:
        yield opened


@pytest.fixture
def database(opened: tuple[Database, CommandLog]) -> Database:
    return opened[0]


@pytest.fixture
def explain(opened: tuple[Database, CommandLog], client: Client) -> Explain:
    """Return the stages of the query plans of all commands that a call sends."""
    _, log = opened
    name = client.get_default_database().name

    async def explain(call: Awaitable[object]) -> list[list[str]]:
        log.sent.clear()
        # The documents are not complete, so they cannot be read; the commands are sent before.
        await asyncio.gather(call, return_exceptions=True)
        return [
            plan(client, name, statement)
            for command in log.sent
            if not {"insert", "count"} & command.keys()
            for statement in statements(command)
        ]

    return explain


def indexes(stages: list[str]) -> list[str]:
    """Return the indexes that are read; no collection scan and no sort is allowed."""
    assert not {"COLLSCAN", "SORT", "SORT_MERGE"} & set(stages)
    return [stage.partition(" ")[2] for stage in stages if "SCAN" in stage]


async def test_each_search_and_count_is_one_range_of_its_index(
    database: Database, explain: Explain
) -> None:
    for kind, index in INDEXES:
        count = database.records.count(kind, index, values_of(index), 100)
        for call in (*searches_in(database.records, kind, index, RECORDS), count):
            [stages] = await explain(call)
            assert indexes(stages) == [index.name]


async def test_what_a_late_page_skips_and_a_count_are_read_from_the_index_alone(
    database: Database, explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_store, "MAX_SKIPPED", 4)
    store = database.records
    plans = await explain(store.count(IDENTITIES, ALL_USERNAMES, (), 100))
    for kind, index in PAGED:
        if index.absent:  # some of it is in the document only
            continue
        equal = values_of(index)
        skipped, page = await explain(
            store.find(kind, index, equal, newest_first=True, limit=10, offset=5)
        )
        assert indexes(page) == [index.name]
        plans += [skipped, *await explain(store.count(kind, index, equal, 100))]
    for stages in plans:
        assert indexes(stages)
        assert "FETCH" not in stages


async def test_a_total_of_a_large_collection_is_estimated(database: Database) -> None:
    # No document has this state, and only a count knows that.
    count = partial(database.records.count, MEDIA_ITEMS, ITEM_PAGES[()], ["none"])

    assert await count(RECORDS // 3, may_estimate=True) == RECORDS // 3
    assert await count(RECORDS // 2, may_estimate=True) == 0
    assert await count(RECORDS // 3) == 0


async def test_expired_records_are_found_by_their_index(
    database: Database, explain: Explain
) -> None:
    for kind in KINDS:
        if kind.expires:
            found, deleted = await explain(database.records.delete_expired(kind, MIDDLE, 10))

            assert indexes(found) == [kind.find_index(EXPIRES_AT).name]
            assert set(indexes(deleted)) <= {"_id_", *indexes(found)}, kind.name


async def test_expired_limits_are_found_by_their_index(
    database: Database, explain: Explain
) -> None:
    plans = await explain(database.limits.delete_expired(MIDDLE, 200))

    assert {index for stages in plans for index in indexes(stages)} - {"_id_"} == {
        LIMITS.find_index(EXPIRES_AT).name
    }


async def test_every_other_command_reads_documents_by_their_ids(
    database: Database, explain: Explain
) -> None:
    for name, operation in OPERATIONS.items():
        if not name.startswith(("records.find", "records.count", "limits.delete", "records.del")):
            plans = await explain(operation(database))

            assert {index for stages in plans for index in indexes(stages)} <= {"_id_"}, name
