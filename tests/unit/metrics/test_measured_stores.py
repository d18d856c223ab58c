"""The calls of database, limit store and media store are measured."""

import asyncio
from io import BytesIO
from typing import Any, Final

import pytest

from adapters.metrics import stores
from adapters.metrics.features.media import MeasuredMediaFiles
from adapters.metrics.metrics import Metrics
from adapters.metrics.stores import MeasuredLimitStore, MeasuredRecordStore
from adapters.records.kinds import LEASES
from application.ports.errors import (
    MediaStorageUnavailable,
    PortError,
    StorageTimeout,
    UniqueViolation,
)
from application.ports.limits import LimitStore
from application.ports.media import MediaFiles
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.media_files import InMemoryFiles

KEY: Final = "images/1"


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"dialtone_{name}", labels)


async def wait_for_calls(metrics: Metrics, count: int) -> None:
    """Wait until so many calls of the media store are in progress."""
    async with asyncio.timeout(10):
        while sample(metrics, "storage_calls_in_progress", store="media") != count:  # noqa: ASYNC110
            await asyncio.sleep(0)


class FailingRecords:
    """A record store that fails when records are loaded."""

    def __init__(self, error: PortError) -> None:
        self._error = error

    async def load(self, *_: object) -> Any:
        raise self._error


async def test_a_call_of_the_database_is_timed_by_its_operation() -> None:
    metrics = Metrics()
    records = MeasuredRecordStore(InMemoryDatabase().records, metrics)

    assert await records.load(LEASES, ["x"]) == {}
    labels = {"store": "database", "operation": "load"}
    assert sample(metrics, "storage_duration_seconds_count", **labels) == 1


@pytest.mark.parametrize(
    ("error", "count"), [(StorageTimeout("late"), 1.0), (UniqueViolation("taken"), None)]
)
async def test_an_error_of_a_store_is_counted_by_its_class_and_a_taken_name_is_none(
    error: PortError, count: float | None
) -> None:
    metrics, records = Metrics(), FailingRecords(error)
    with pytest.raises(type(error)):
        await MeasuredRecordStore(records, metrics).load(LEASES, ["x"])  # type: ignore[arg-type]

    labels = {"store": "database", "operation": "load", "error": "storage_timeout"}
    assert sample(metrics, "storage_errors_total", **labels) == count


async def test_calls_that_wait_are_in_progress_until_they_end_or_are_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stores, "GAUGE_INTERVAL", 0.0)
    metrics, files = Metrics(), InMemoryFiles()
    files.faults.run_before("media_files.delete", asyncio.Event().wait)
    deleting = asyncio.create_task(MeasuredMediaFiles(files, metrics).delete(KEY))
    await wait_for_calls(metrics, 1)
    deleting.cancel()
    await asyncio.gather(deleting, return_exceptions=True)
    await wait_for_calls(metrics, 0)


async def test_a_file_that_is_read_is_timed_until_it_is_open() -> None:
    metrics, files = Metrics(), InMemoryFiles()
    measured = MeasuredMediaFiles(files, metrics)
    await measured.write(KEY, BytesIO(b"abc"), "image/png")
    labels = {"store": "media", "operation": "open_file"}
    async with measured.open_file(KEY) as file:
        assert sample(metrics, "storage_duration_seconds_count", **labels) == 1
        assert file is not None
        assert b"".join([chunk async for chunk in file.chunks]) == b"abc"
    assert files.open_files == 0

    files.is_unavailable = True
    with pytest.raises(MediaStorageUnavailable):
        async with measured.open_file(KEY):
            pass
    error = {**labels, "error": "media_storage_unavailable"}
    assert sample(metrics, "storage_errors_total", **error) == 1


@pytest.mark.parametrize(
    ("measured", "port"), [(MeasuredMediaFiles, MediaFiles), (MeasuredLimitStore, LimitStore)]
)
def test_a_measured_store_has_all_methods_of_its_port(measured: type, port: type) -> None:
    methods = {name for name in vars(port) if not name.startswith("_")}
    assert methods <= vars(measured).keys()
