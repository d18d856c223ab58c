"""Jobs of operators repeat calls while the database is away."""

import logging

import pytest

from adapters.databases.records import outages
from adapters.databases.records.outages import OutageRetries
from application.ports.errors import (
    CorruptRecord,
    OperationRejected,
    PortError,
    StorageTimeout,
    StorageUnavailable,
)


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


@pytest.mark.parametrize("error", [CorruptRecord("damaged"), OperationRejected("too large")])
async def test_an_error_that_repeating_does_not_help_is_raised_at_once(error: PortError) -> None:
    with pytest.raises(type(error)):
        await OutageRetries()(FailingCalls(error))


async def test_a_job_that_should_stop_does_not_wait_for_the_database() -> None:
    calls = FailingCalls(*[StorageUnavailable()] * 3)

    with pytest.raises(StorageUnavailable):
        await OutageRetries(lambda: True)(calls)
    assert len(calls.errors) == 1
