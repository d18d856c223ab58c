"""Calls of databases, limits and media files, and the decoding of images, are measured."""

from io import BytesIO
from tempfile import TemporaryFile
from typing import Any, Final

import pytest

from adapters.databases.records.kinds import LEASES
from adapters.operations.metrics.features.media import declare_decode_duration, measure_media_files
from adapters.operations.metrics.metrics import Metrics
from adapters.operations.metrics.stores import measure_records
from application.ports.errors import (
    MediaStorageUnavailable,
    PortError,
    StorageOverloaded,
    StorageTimeout,
    UniqueViolation,
)
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.images import image_publisher
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.images import encode, sample_image

# The calls of database and limit store are measured


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"dialtone_{name}", labels)


class FailingRecords:
    """A record store that fails when records are loaded."""

    def __init__(self, error: PortError) -> None:
        self._error = error

    async def load(self, *_: object) -> Any:
        raise self._error


async def test_a_call_of_the_database_is_timed_by_its_operation() -> None:
    metrics = Metrics()
    records = measure_records(InMemoryDatabase().records, metrics)

    assert await records.load(LEASES, ["x"]) == {}
    labels = {"store": "database", "operation": "load"}
    assert sample(metrics, "storage_duration_seconds_count", **labels) == 1


@pytest.mark.parametrize(
    ("error", "count", "overloads"),
    [
        (StorageTimeout("late"), 1.0, None),
        (UniqueViolation("taken"), None, None),
        (StorageOverloaded("full"), None, 1.0),
    ],
)
async def test_an_error_is_counted_by_its_class_and_neither_a_taken_name_nor_an_overload_is_one(
    error: PortError, count: float | None, overloads: float | None
) -> None:
    metrics, records = Metrics(), FailingRecords(error)
    with pytest.raises(type(error)):
        await measure_records(records, metrics).load(LEASES, ["x"])  # type: ignore[arg-type]

    labels = {"store": "database", "operation": "load"}
    errors = sample(metrics, "storage_errors_total", **labels, error="storage_timeout")
    assert (errors, sample(metrics, "storage_overloads_total", **labels)) == (count, overloads)


# The calls of the media store and the decoding of images are measured

KEY: Final = "images/1"


async def test_a_file_that_is_read_is_timed_until_it_is_open() -> None:
    metrics, files = Metrics(), InMemoryFiles()
    measured = measure_media_files(files, metrics)
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


async def test_an_upload_is_timed_until_its_image_is_encoded() -> None:
    metrics = Metrics()
    publisher = image_publisher(measure=declare_decode_duration(metrics).time)
    with TemporaryFile() as upload:
        upload.write(encode(sample_image(), "PNG"))
        upload.seek(0)
        async with publisher.publish(upload, "somebody"):
            assert sample(metrics, "image_decode_duration_seconds_count") == 1
