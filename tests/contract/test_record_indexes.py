"""Indexes and expiry of records, with our databases."""

import asyncio

import pytest

from adapters.databases.mongo import record_store
from adapters.databases.records.record_store import RecordStore
from tests.contract.mongo_database import in_mongo
from tests.contract.suites.storage.test_record_indexes import *
from tests.contract.suites.storage.test_record_indexes import (
    FIRST_OF_SHAPES,
    add_cases,
    check_that_they_are_found_in_order,
)


@pytest.mark.parametrize("instances", [in_mongo], indirect=True, ids=["in_mongo"])
async def test_a_page_after_many_records_begins_with_the_next_one(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So this is where MongoDB looks for the beginning in the index alone.
    monkeypatch.setattr(record_store, "MAX_SKIPPED", 0)
    for kind, index in FIRST_OF_SHAPES:
        if index.is_paged:
            positions = await add_cases(store, kind, index)
            await check_that_they_are_found_in_order(store, kind, index, positions)
            stored = await store.scan(kind, "", 100)
            await asyncio.gather(*(store.delete(kind, each.id, each.version) for each in stored))
