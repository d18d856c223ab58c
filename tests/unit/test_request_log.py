"""The lines of requests, which do not use the formatter."""

import json
import logging
from typing import Any, Final

import pytest

from adapters.logging.formatter import make_formatter
from adapters.logging.request_log import RequestLog
from tests.support.builders import a_phone

FIELDS: Final[dict[str, Any]] = {
    "request_id": "9f6c3c5ad7b44d7f8f0f5fd02a7c2f4e",
    "client_ip": "2001:db8:1234:5678::",
    "method": "GET",
    "path": "/users/{user_id}",
    "status": 200,
    "duration_ms": 1.5,
}
DIGITS: Final = a_phone().e164.removeprefix("+")


def request_line(**fields: Any) -> str:
    lines: list[bytes] = []
    RequestLog("library", lines.append)("http_request", **FIELDS | fields)
    (line,) = lines
    return line.decode()


@pytest.mark.parametrize("trace", [{}, {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}])
def test_a_request_line_looks_like_every_other_line(
    monkeypatch: pytest.MonkeyPatch, trace: dict[str, str]
) -> None:
    event = {"event": "http_request", "request_id": FIELDS["request_id"], **trace, **FIELDS}
    record = logging.LogRecord("library", logging.INFO, "", 0, event, (), None)
    monkeypatch.setattr("time.time", lambda: record.created)

    assert request_line(**trace) == make_formatter("json").format(record) + "\n"


def test_a_phone_number_in_a_method_or_a_request_id_is_masked() -> None:
    line = request_line(request_id=DIGITS, method=f"GET{DIGITS}")

    assert DIGITS not in line
    assert json.loads(line)["method"].startswith("GET*")


def test_an_id_of_a_proxy_is_kept() -> None:
    assert json.loads(request_line(request_id="A-z_0.9"))["request_id"] == "A-z_0.9"
