"""A MongoDB database whose commands are explained after they were sent."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient
from pymongo.database import Database as MongoDatabase

from adapters.databases.records.database import Database
from adapters.databases.records.record_kind import EXPIRES_AT, RecordKind
from tests.integration.adapters.databases.mongo.mongo_support import (
    Command,
    CommandLog,
    open_logged,
)
from tests.integration.adapters.databases.query_plans import ALL_KINDS, ID, Explained
from tests.support.builders import NOW

RECORDS: Final = 300
TIMES: Final = {EXPIRES_AT, *(index.order for kind in ALL_KINDS for index in kind.indexes)}
# A range of an index may end with the last date of MongoDB, which Python does not have.
ANY_DATE: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_MS)
NOT_EXPLAINED: Final = {"$clusterTime", "$db", "$readPreference", "lsid", "maxTimeMS"} | {
    *("readConcern", "txnNumber", "writeConcern")
}
"""Parts of commands that explain does not accept."""


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


def stages_of(part: Any) -> Iterator[tuple[str, str]]:
    """Yield the stages of a plan, with the names of the indexes that they read."""
    if isinstance(part, Mapping):
        if "stage" in part:
            yield part["stage"], part.get("indexName", "")
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
class ExplainedMongo:
    database: Database
    log: CommandLog
    raw: MongoDatabase[dict[str, Any]]

    async def plans_of(self, call: Awaitable[object]) -> list[set[str]]:
        self.log.sent.clear()
        # The documents are not complete, so they cannot be read; the commands are sent before.
        await asyncio.gather(call, return_exceptions=True)
        return [
            self._explain(statement)
            for command in self.log.sent
            if not {"insert", "count"} & command.keys()
            for statement in statements_of(command)
        ]

    def _explain(self, command: Command) -> set[str]:
        explained = {name: value for name, value in command.items() if name not in NOT_EXPLAINED}
        plan = self.raw.command(
            "explain", explained, verbosity="queryPlanner", codec_options=ANY_DATE
        )
        stages = [*stages_of(plan)]
        # A SORT_MERGE reads ranges of one index in its order, and sorts nothing in memory.
        assert not {"COLLSCAN", "SORT"} & {stage for stage, _ in stages}, plan
        return {ID if name == "_id_" else name for stage, name in stages if "SCAN" in stage}


@asynccontextmanager
async def explain_mongo(request: pytest.FixtureRequest) -> AsyncIterator[Explained]:
    """Open a database with enough documents of each kind that indexes differ in their cost."""
    server, question_mark, options = request.getfixturevalue("mongo_url").partition("?")
    url = f"{server.rstrip('/')}/plans_{uuid.uuid4().hex}{question_mark}{options}"
    with MongoClient[dict[str, Any]](url) as client:
        async with open_logged(url) as (database, log):
            raw = client.get_default_database()
            for kind in ALL_KINDS:
                # Queries read no other fields than those of indexes, so documents have no others.
                raw[kind.name].insert_many([a_document(kind, number) for number in range(RECORDS)])
            yield ExplainedMongo(database, log, raw)
        client.drop_database(raw)
