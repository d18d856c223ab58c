"""Calls of stores and the decoding of images are measured, and the text that Prometheus reads."""

import asyncio
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any, Final

import pytest

from adapters.databases.records.kinds import LEASES
from adapters.operations.metrics import exposition
from adapters.operations.metrics.exposition import MeasuredGauge, make_metrics_app
from adapters.operations.metrics.features.media import declare_decode_duration, measure_media_files
from adapters.operations.metrics.metrics import Metrics
from adapters.operations.metrics.stores import measure_records
from application.ports.errors import (
    MediaStorageUnavailable,
    PortError,
    StorageOverloaded,
    StorageTimeout,
    StorageUnavailable,
    UniqueViolation,
)
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


# The text that Prometheus reads

COUNTED = "dialtone_worker_starts_total 1.0"


def make_app(*gauges: MeasuredGauge) -> Any:
    metrics = Metrics()
    metrics.worker_starts.inc()
    return make_metrics_app(metrics, gauges)


def render(app: Any) -> list[str]:
    [body] = app({"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics"}, lambda *_: None)
    return str(body.decode()).splitlines()


async def count_users() -> float:
    return 12


@pytest.mark.parametrize(
    "error", [StorageUnavailable("away"), ZeroDivisionError(), asyncio.CancelledError()], ids=repr
)
async def test_gauges_are_read_and_those_that_fail_or_hang_are_left_out(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposition, "READ_TIMEOUT", 0.1)

    async def fail() -> float:
        raise error

    async def hang() -> None:
        await asyncio.Event().wait()

    async def find_nothing() -> None:
        return None

    async def measure_use() -> dict[tuple[str, ...], float]:
        return {("total", "IN"): 0.8}

    app = make_app(
        MeasuredGauge("failing", "It fails.", fail),
        MeasuredGauge("hanging", "It hangs.", hang),
        MeasuredGauge("absent", "It has no value.", find_nothing),
        MeasuredGauge("use", "It has labels.", measure_use, ("limit", "country")),
        MeasuredGauge("users", "It has none.", count_users),
    )
    lines = await asyncio.to_thread(render, app)
    assert {'dialtone_use{country="IN",limit="total"} 0.8', "dialtone_users 12.0", COUNTED} < {
        *lines
    }
    missing = ("dialtone_failing", "dialtone_hanging", "dialtone_absent")
    assert not any(line.startswith(missing) for line in lines)


async def test_counts_are_served_while_the_event_loop_is_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exposition, "READ_TIMEOUT", 0.01)
    lines = render(make_app(MeasuredGauge("users", "Users.", count_users)))
    assert COUNTED in lines
    assert "dialtone_users 12.0" not in lines
