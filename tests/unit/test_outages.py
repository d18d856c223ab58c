"""Jobs of operators repeat calls while the database is away."""

import logging
from inspect import Parameter, getmembers, isfunction, signature
from typing import Any, Final, cast

import pytest

from adapters.records import outages
from adapters.records.outages import OutageRetries
from adapters.records.record_store import RecordStore
from adapters.records.store_calls import wrap_records
from application.ports.errors import CorruptRecord, StorageTimeout, StorageUnavailable


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "FIRST_PAUSE", 0.001)


class FailingCalls:
    """Calls that raise these errors, one after the other, and then succeed."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = [*errors]

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_calls_are_repeated_and_one_line_says_so(caplog: pytest.LogCaptureFixture) -> None:
    retry = OutageRetries()
    calls = FailingCalls(StorageUnavailable("no primary"), StorageTimeout(), StorageUnavailable())

    with caplog.at_level(logging.WARNING):
        assert await retry(calls) == "done"

    events = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert events == ["job_waits_for_database", "job_continues"]


async def test_after_ten_minutes_the_job_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "MAX_OUTAGE", 0.0)

    with pytest.raises(StorageUnavailable, match="second"):
        await OutageRetries()(
            FailingCalls(StorageUnavailable("first"), StorageUnavailable("second"))
        )


async def test_an_error_that_repeating_does_not_help_is_raised_at_once() -> None:
    calls = FailingCalls(CorruptRecord("damaged"))

    with pytest.raises(CorruptRecord):
        await OutageRetries()(calls)


async def test_a_job_that_should_stop_does_not_wait_for_the_database() -> None:
    calls = FailingCalls(*[StorageUnavailable()] * 3)

    with pytest.raises(StorageUnavailable):
        await OutageRetries(lambda: True)(calls)
    assert len(calls.errors) == 1


class FailingStore:
    """A store each of whose calls fails once, and then returns what it was given."""

    def __init__(self) -> None:
        self.failed = set[str]()

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: object, **options: object) -> object:
            if name not in self.failed:
                self.failed.add(name)
                raise StorageTimeout
            return name, arguments, options

        return call


_METHODS: Final = [name for name, _ in getmembers(RecordStore, isfunction) if name[0] != "_"]


@pytest.mark.parametrize("name", _METHODS)
async def test_each_call_to_records_is_repeated_after_an_outage(name: str) -> None:
    retry = OutageRetries()
    records = wrap_records(cast("RecordStore", FailingStore()), lambda _, call: retry(call))
    parameters = [*signature(getattr(RecordStore, name)).parameters.values()][1:]
    arguments = [each.name for each in parameters if each.kind is Parameter.POSITIONAL_ONLY]
    options = {each.name: each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY}

    returned = await getattr(records, name)(*arguments, **options)

    # A method without a result returns None.
    assert returned in (None, (name, tuple(arguments), options))
