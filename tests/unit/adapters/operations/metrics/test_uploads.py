"""What is counted of uploads."""

from typing import Final

from adapters.operations.metrics.features.media import count_uploads
from adapters.operations.metrics.metrics import Metrics
from domain.features.media.errors import InvalidImage
from tests.support.counts import counts

UPLOAD: Final = "/library/upload"


def test_an_upload_is_counted_by_its_error() -> None:
    metrics = Metrics()
    count_uploads(metrics, UPLOAD)
    metrics.observe_request("POST", UPLOAD, 201, 0.1, None)
    metrics.observe_request("POST", UPLOAD, 400, 0.1, InvalidImage)
    metrics.observe_request("POST", UPLOAD, 499, 0.1, None)
    metrics.observe_request("OPTIONS", UPLOAD, 204, 0.1, None)

    assert counts(metrics)["uploads"] == {
        ("stored",): 1,
        ("invalid_image",): 1,
        ("client_closed_request",): 1,
    }
