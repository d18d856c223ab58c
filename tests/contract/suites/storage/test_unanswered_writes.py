"""Writes of records whose result is unknown: the server gets them, and no answer arrives.

What was done is seen by another instance, which the server answers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
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
)
from tests.contract.suites.storage.record_examples import NOW, load_one

KIND: Final = PHONE_VERIFICATIONS
RECORD: Final = PhoneVerificationRecord(blocked_at=NOW, encrypted_phone=b"bytes")


@dataclass(frozen=True, slots=True)
class Write:
    """A write of the record with the id 1.

    Attributes:
        write: Writes.
        version: The version of the record before; None if there is none.
        written_version: The same, afterwards.
    """

    write: Callable[[RecordStore], Awaitable[bool]]
    version: int | None
    written_version: int | None


WRITES: Final = {
    "add": Write(lambda store: store.add(KIND, "1", RECORD, 1), None, 1),
    "replace": Write(lambda store: store.replace(KIND, "1", RECORD, 1), 1, 2),
    "delete": Write(lambda store: store.delete(KIND, "1", 1), 1, None),
    "overwrite": Write(lambda store: store.overwrite(KIND, "1", ENCRYPTED_PHONE, b"new", 1), 1, 2),
}


SIMULTANEOUS: Final[dict[str, tuple[Callable[[RecordStore, str], Awaitable[bool]], int | None]]] = {
    "add": (lambda store, record_id: store.add(KIND, record_id, RECORD, 7), None),
    "replace": (lambda store, record_id: store.replace(KIND, record_id, RECORD, 6), 6),
}
"""Writes of records that have another version before, which is 7 afterwards."""
IDS: Final = ("1", "2", "3", "4", "5")


async def version_of(store: RecordStore, record_id: str = "1") -> int | None:
    stored = await load_one(store, KIND, record_id)
    return None if stored is None else stored.version


async def set_version(store: RecordStore, version: int | None, record_id: str = "1") -> None:
    """Store the record with this version, or none, whatever is stored."""
    if stored := await load_one(store, KIND, record_id):
        assert await store.delete(KIND, record_id, stored.version)
    if version is not None:
        assert await store.add(KIND, record_id, RECORD, version)


@WITHOUT_AN_ANSWER
async def test_a_write_that_is_not_answered_is_a_timeout_and_is_not_repeated(
    outage_instances: OutageInstances, is_lost: bool
) -> None:
    other, wrong, unseen = outage_instances.other.records, [], []
    for name, case in WRITES.items():
        prepare = partial(set_version, other, case.version)

        async def is_written(written: int | None = case.written_version) -> bool:
            return await version_of(other) == written

        outcome, was_done = await make_unanswered(
            outage_instances,
            prepare,
            partial(case.write, outage_instances.database.records),
            is_written,
            # A repeated write would do it again.
            when_done=None if is_lost else prepare,
            is_lost=is_lost,
        )
        is_success = is_lost and outcome.error is None and outcome.result is not False
        if not is_success and not isinstance(outcome.error, StorageTimeout):
            wrong.append(
                f"{name} {outcome.words}, but has to raise StorageTimeout: the server got it, and "
                "may have done it"
            )
        if was_done and not is_lost and await version_of(other) != case.version:
            wrong.append(f"{name} was sent again after it was not answered")
        if not was_done:
            unseen.append(name)
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    if unseen:
        unproven(
            f"of a silent provider, the server did not do {', '.join(unseen)}, so nobody sees "
            "whether that is sent again"
        )


@WITHOUT_AN_ANSWER
@pytest.mark.parametrize("name", SIMULTANEOUS)
async def test_of_writes_that_arrive_together_and_are_not_answered_each_is_a_timeout(
    outage_instances: OutageInstances, name: str, is_lost: bool
) -> None:
    other, (write, version) = outage_instances.other.records, SIMULTANEOUS[name]

    async def prepare() -> None:
        for record_id in IDS:
            await set_version(other, version, record_id)

    async def write_all() -> list[bool | BaseException]:
        store = outage_instances.database.records
        writes = (write(store, record_id) for record_id in IDS)
        return await asyncio.gather(*writes, return_exceptions=True)

    async def are_written() -> bool:
        return {await version_of(other, record_id) for record_id in IDS} == {7}

    outcome, was_done = await make_unanswered(
        outage_instances,
        prepare,
        write_all,
        are_written,
        when_done=None if is_lost else prepare,
        is_lost=is_lost,
    )

    results = outcome.result if isinstance(outcome.result, list) else [outcome.error] * len(IDS)
    wrong = list[str]()
    for record_id, result in zip(IDS, results, strict=True):
        is_written = await version_of(other, record_id) == 7
        if is_written and was_done and not is_lost:
            wrong.append(f"{name} of {record_id} was sent again after it was not answered")
        elif is_lost and result is True:
            wrong += [] if is_written else [f"{name} of {record_id} returned True: it was not done"]
        elif not isinstance(result, StorageTimeout if was_done or is_written else StorageError):
            wrong.append(f"{name} of {record_id} has to raise StorageTimeout: {result!r}")
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
