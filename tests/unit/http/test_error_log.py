"""Which error responses are logged as errors: those that an operator has to look at."""

from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain import errors
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.handlers import to_response
from entrypoints.http.errors.table import ApiError


@pytest.mark.parametrize(
    ("error", "events"),
    [
        (errors.Unavailable(), ["request_failed"]),
        (exceptions.InternalError(), ["request_failed"]),
        (errors.TooManyUploads(), []),
        (exceptions.TooManyReads(), []),
        (exceptions.PathNotFound(), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_client_cannot_fill_the_log_with_errors(error: ApiError, events: list[str]) -> None:
    request: Any = SimpleNamespace(scope={"path": "/media/key"})
    with capture_logs() as logs:
        to_response(request, error)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == events
