"""The calls of the media store and the decoding of images are measured."""

from io import BytesIO
from tempfile import TemporaryFile
from typing import Final

import pytest

from adapters.operations.metrics.features.media import declare_decode_duration, measure_media_files
from adapters.operations.metrics.metrics import Metrics
from application.ports.errors import MediaStorageUnavailable
from tests.support.fakes.images import image_publisher
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.images import encode, sample_image
from tests.unit.adapters.operations.metrics.test_measured_stores import sample

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
