"""Every query is a range of an index, and nothing is sorted after it was read.

The tests explain the commands that the adapter sent.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
import pytest_asyncio
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient
from pymongo.database import Database as MongoDatabase

from adapters.databases.mongo import record_store
from adapters.databases.records.database import Database
from adapters.databases.records.kinds import ALL_USERNAMES, IDENTITIES
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import EXPIRES_AT, RecordKind
from entrypoints.composition.features import KINDS
from tests.contract.suites.storage.test_storage_errors import OPERATIONS
from tests.integration.adapters.databases.index_searches import INDEXES, searches_in, values_of
from tests.integration.adapters.databases.mongo.mongo_support import (
    Command,
    CommandLog,
    open_logged,
)
from tests.support.builders import NOW

RECORDS: Final = 300
MIDDLE: Final = NOW + timedelta(minutes=RECORDS // 2)
TIMES: Final = {EXPIRES_AT, *(index.order for kind in (*KINDS, LIMITS) for index in kind.indexes)}
# A range of an index may end with the last date of MongoDB, which Python does not have.
ANY_DATE: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_MS)
NOT_EXPLAINED: Final = {"$clusterTime", "$db", "$readPreference", "lsid", "maxTimeMS"} | {
    *("readConcern", "txnNumber", "writeConcern")
}
"""Parts of commands that explain does not accept."""

# All tests share one open database: to open it takes longer than most of them.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


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


def stages_of(part: Any) -> Iterator[str]:
    """Yield the stages of a plan, with the names of the indexes that they read."""
    if isinstance(part, Mapping):
        if "stage" in part:
            yield " ".join([part["stage"], *([part["indexName"]] if "indexName" in part else [])])
        for name, inner in part.items():
            if name != "rejectedPlans":
                yield from stages_of(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from stages_of(inner)


def statements_of(command: Command) -> list[Command]:
    """Return the command for each of its updates alone: MongoDB explains no others."""
    if "updates" not in command:
        return [command]
    return [{**command, "updates": [update]} for update in command["updates"]]


@dataclass(frozen=True)
class Explained:
    """An open database, whose commands are explained."""

    database: Database
    log: CommandLog
    raw: MongoDatabase[dict[str, Any]]

    async def plans_of(self, call: Awaitable[object]) -> list[list[str]]:
        """Return the stages of the query plans of all commands that a call sends."""
        self.log.sent.clear()
        # The documents are not complete, so they cannot be read; the commands are sent before.
        await asyncio.gather(call, return_exceptions=True)
        return [
            [*stages_of(self._explain(statement))]
            for command in self.log.sent
            if not {"insert", "count"} & command.keys()
            for statement in statements_of(command)
        ]

    def _explain(self, command: Command) -> Mapping[str, Any]:
        explained = {name: value for name, value in command.items() if name not in NOT_EXPLAINED}
        return self.raw.command(
            "explain", explained, verbosity="queryPlanner", codec_options=ANY_DATE
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def explained(mongo_url: str) -> AsyncIterator[Explained]:
    """A database with enough documents of each kind that indexes differ in their cost."""
    server, question_mark, options = mongo_url.partition("?")
    url = f"{server.rstrip('/')}/plans_{uuid.uuid4().hex}{question_mark}{options}"
    with MongoClient[dict[str, Any]](url) as client:
        async with open_logged(url) as (database, log):
            raw = client.get_default_database()
            for kind in (*KINDS, LIMITS):
                # Queries read no other fields than those of indexes, so documents have no others.
                raw[kind.name].insert_many([a_document(kind, number) for number in range(RECORDS)])
            yield Explained(database, log, raw)
        client.drop_database(raw)


def indexes(stages: list[str]) -> list[str]:
    """Return the indexes that are read; no collection scan and no sort is allowed."""
    assert not {"COLLSCAN", "SORT", "SORT_MERGE"} & set(stages)
    return [stage.partition(" ")[2] for stage in stages if "SCAN" in stage]


async def test_each_search_and_count_is_one_range_of_its_index(explained: Explained) -> None:
    store = explained.database.records
    for kind, index in INDEXES:
        count = store.count(kind, index, values_of(index), 100)
        for call in (*searches_in(store, kind, index, RECORDS), count):
            [stages] = await explained.plans_of(call)
            assert indexes(stages) == [index.name]


async def test_what_a_late_page_skips_and_a_count_are_read_from_the_index_alone(
    explained: Explained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_store, "MAX_SKIPPED", 4)
    store = explained.database.records
    plans = await explained.plans_of(store.count(IDENTITIES, ALL_USERNAMES, (), 100))
    for kind, index in INDEXES:
        if not index.is_paged or index.absent:  # some of it is in the document only
            continue
        equal = values_of(index)
        skipped, page = await explained.plans_of(
            store.find(kind, index, equal, newest_first=True, limit=10, offset=5)
        )
        assert indexes(page) == [index.name]
        plans += [skipped, *await explained.plans_of(store.count(kind, index, equal, 100))]
    for stages in plans:
        assert indexes(stages)
        assert "FETCH" not in stages


async def test_what_has_expired_is_found_by_its_index(explained: Explained) -> None:
    store, limits = explained.database.records, explained.database.limits
    for kind in [kind for kind in (*KINDS, LIMITS) if kind.expires]:
        plans = await explained.plans_of(
            limits.delete_expired(MIDDLE, 200)
            if kind is LIMITS
            else store.delete_expired(kind, MIDDLE, 10)
        )

        read = {index for stages in plans for index in indexes(stages)}
        assert read - {"_id_"} == {kind.find_index(EXPIRES_AT).name}


async def test_every_other_command_reads_documents_by_their_ids(explained: Explained) -> None:
    others = ("records.find", "records.count", "limits.delete", "records.del")
    for name, operation in OPERATIONS.items():
        if not name.startswith(others):
            plans = await explained.plans_of(operation(explained.database))

            assert {index for stages in plans for index in indexes(stages)} <= {"_id_"}, name
