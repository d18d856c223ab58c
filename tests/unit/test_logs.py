"""The form of the log."""

import asyncio
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from entrypoints.logs import bind_request_id
from entrypoints.logs.formatter import LineFormatter, as_columns, as_json, make_formatter
from tests.support.log_lines import a_record, logged


def test_a_line_tells_when_how_grave_what_and_who() -> None:
    assert logged("it %s", "happened", created=1_777_628_400.25) == {
        "timestamp": "2026-05-01T09:40:00.250Z",
        "level": "warning",
        "event": "it happened",
        "logger": "vendor",
    }


def test_a_line_is_one_line_whatever_came_in() -> None:
    forged = "first\nsecond\r\u2028\x1b[2J"

    record = a_record({"event": forged, "name": forged})

    line = LineFormatter(as_json).format(record)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["name"] == forged
    assert LineFormatter(as_columns(has_colors=False)).format(record).isprintable()


def test_the_request_id_is_on_every_line_of_its_request_and_on_no_other() -> None:
    with bind_request_id("abc-123"):
        inside = logged("x")["request_id"], logged({"event": "x"})["request_id"]

    assert inside == ("abc-123", "abc-123")
    assert "request_id" not in logged("x")


async def test_requests_at_once_keep_their_ids_apart() -> None:
    async def request(number: int) -> str:
        with bind_request_id(f"request-{number}"):
            await asyncio.sleep(0)
            line: str = logged("x")["request_id"]
            return line

    lines = await asyncio.gather(*map(request, range(20)))

    assert lines == [f"request-{number}" for number in range(20)]


def test_a_caller_cannot_pass_his_words_off_as_time_or_level() -> None:
    line = logged({"event": "x", "level": "debug", "timestamp": "never", "logger": "me"})

    assert (line["level"], line["logger"]) == ("warning", "vendor")
    assert line["timestamp"] != "never"


def test_values_are_written_as_plain_data() -> None:
    line = logged(
        {
            "event": "x",
            "status_code": 200,
            "took": timedelta(milliseconds=1500),
            "at": datetime(2026, 5, 1, tzinfo=UTC),
            "path": Path("/a/b"),
            "size": 20_000_000,
            "body_bytes": None,
            "content": b"12345",
            "tags": ("a", {"b": 1.5}),
        }
    )

    assert line["status_code"] == 200
    assert line["took"] == 1.5
    assert line["at"] == "2026-05-01T00:00:00+00:00"
    assert line["path"] == "/a/b"
    assert line["size"] == 20_000_000
    assert line["content"] == "<5 bytes>"
    assert line["tags"] == ["a", {"b": 1.5}]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("log_format", "stream", "no_color", "form"),
    [
        ("auto", io.StringIO(), "", "json"),
        ("auto", Terminal(), "", "colors"),
        ("auto", Terminal(), "1", "columns"),
        ("json", Terminal(), "", "json"),
        ("console", io.StringIO(), "", "columns"),
        ("console", Terminal(), "", "colors"),
    ],
)
def test_people_get_columns_and_machines_json(
    monkeypatch: pytest.MonkeyPatch, log_format: str, stream: io.StringIO, no_color: str, form: str
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)

    line = make_formatter(log_format, stream).format(a_record({"event": "hello", "n": 1}))

    if form == "json":
        assert json.loads(line)["event"] == "hello"
    else:
        assert "hello" in line
        assert ("\x1b[" in line) == (form == "colors")
