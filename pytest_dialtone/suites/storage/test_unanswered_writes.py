"""Writes of records whose result is unknown: the server gets them, and no answer arrives.

What was done is seen by another instance, which the server answers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import pytest

from adapters.records.kinds import ENCRYPTED_PHONE, PHONE_VERIFICATIONS
from adapters.records.phone_verifications import PhoneVerificationRecord
from adapters.records.record_store import RecordStore
from application.ports.errors import StorageTimeout
from pytest_dialtone.promises import unproven
from pytest_dialtone.suites.storage.outages import OutageInstances, make_unanswered
from pytest_dialtone.suites.storage.record_examples import NOW, load_one

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


async def version_of(store: RecordStore) -> int | None:
    stored = await load_one(store, KIND)
    return None if stored is None else stored.version


async def set_version(store: RecordStore, version: int | None) -> None:
    """Store the record with this version, or none, whatever is stored."""
    if stored := await load_one(store, KIND):
        assert await store.delete(KIND, "1", stored.version)
    if version is not None:
        assert await store.add(KIND, "1", RECORD, version)


@pytest.mark.parametrize("is_lost", [False, True], ids=["no_answer", "lost_connection"])
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
            f"after hang_provider() the server did not do {', '.join(unseen)}, so nobody sees "
            "whether that is sent again"
        )
