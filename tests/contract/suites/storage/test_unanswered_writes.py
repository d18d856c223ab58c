"""Writes of records whose result is unknown: the server gets them, and no answer arrives.

What was done is seen by another instance, which the server answers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from adapters.databases.records.kinds import ENCRYPTED_PHONE, PHONE_VERIFICATIONS
from adapters.databases.records.phone_verifications import PhoneVerificationRecord
from adapters.databases.records.record_store import RecordStore
from application.ports.errors import StorageError, StorageTimeout
from tests.contract.suites.promises import unproven
from tests.contract.suites.storage.outages import (
    WITHOUT_AN_ANSWER,
    OutageInstances,
    make_unanswered,
    unseen_words,
)
from tests.contract.suites.storage.record_examples import NOW, load_one

KIND: Final = PHONE_VERIFICATIONS
RECORD: Final = PhoneVerificationRecord(blocked_at=NOW, encrypted_phone=b"bytes")


IDS: Final = ("1", "2", "3", "4", "5")


@dataclass(frozen=True, slots=True)
class Write:
    """A write of a record.

    Attributes:
        write: Writes.
        version: The version of the record before; None if there is none.
        written_version: The same, afterwards.
        ids: Those of the records that are written at the same moment. A store may write several
            together.
    """

    write: Callable[[RecordStore, str], Awaitable[bool]]
    version: int | None
    written_version: int | None
    ids: Sequence[str] = ("1",)


WRITES: Final = {
    "add": Write(lambda store, name: store.add(KIND, name, RECORD, 7), None, 7, IDS),
    "replace": Write(lambda store, name: store.replace(KIND, name, RECORD, 6), 6, 7, IDS),
    "delete": Write(lambda store, name: store.delete(KIND, name, 6), 6, None),
    "overwrite": Write(
        lambda store, name: store.overwrite(KIND, name, ENCRYPTED_PHONE, b"new", 6), 6, 7
    ),
}


async def version_of(store: RecordStore, record_id: str) -> int | None:
    stored = await load_one(store, KIND, record_id)
    return None if stored is None else stored.version


async def set_version(store: RecordStore, version: int | None, record_id: str) -> None:
    """Store the record with this version, or none, whatever is stored."""
    if stored := await load_one(store, KIND, record_id):
        assert await store.delete(KIND, record_id, stored.version)
    if version is not None:
        assert await store.add(KIND, record_id, RECORD, version)


@WITHOUT_AN_ANSWER
@pytest.mark.parametrize("name", WRITES)
async def test_of_writes_that_are_not_answered_each_is_a_timeout_and_is_not_repeated(
    outage_instances: OutageInstances, name: str, is_lost: bool
) -> None:
    other, case = outage_instances.other.records, WRITES[name]
    ids = case.ids

    async def prepare() -> None:
        for record_id in ids:
            await set_version(other, case.version, record_id)

    async def write_all() -> list[bool | BaseException]:
        store = outage_instances.database.records
        writes = (case.write(store, record_id) for record_id in ids)
        return await asyncio.gather(*writes, return_exceptions=True)

    async def are_written() -> bool:
        return {await version_of(other, record_id) for record_id in ids} == {case.written_version}

    outcome, was_done = await make_unanswered(
        outage_instances,
        prepare,
        write_all,
        are_written,
        # A repeated write would do it again.
        when_done=None if is_lost else prepare,
        is_lost=is_lost,
    )

    results = outcome.result if isinstance(outcome.result, list) else [outcome.error] * len(ids)
    wrong = list[str]()
    for record_id, result in zip(ids, results, strict=True):
        is_written = await version_of(other, record_id) == case.written_version
        if is_written and was_done and not is_lost:
            wrong.append(f"{name} of {record_id} was sent again after it was not answered")
        elif is_lost and result is True:
            wrong += [] if is_written else [f"{name} of {record_id} returned True: it was not done"]
        elif not isinstance(result, StorageTimeout if was_done or is_written else StorageError):
            wrong.append(f"{name} of {record_id} has to raise StorageTimeout: {result!r}")
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    if not was_done:
        unproven(unseen_words(name))
