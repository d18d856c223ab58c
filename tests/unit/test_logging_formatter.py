"""Formatting of log lines."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.logging.formatter import make_formatter
from adapters.logging.masking import loggable
from application.ports.errors import StorageUnavailable
from tests.support.examples import examples
from tests.support.log_lines import log_line, make_record, request_fields


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


JSON = make_formatter("json")
COLUMNS = make_formatter("console", io.StringIO())
COLORS = make_formatter("console", Terminal())


class Broken:
    def __repr__(self) -> str:
        raise ValueError("tops3cret")

    __str__ = __repr__


# Lines


def test_a_record_is_always_one_line() -> None:
    forged = "first\nsecond\r\u2028\x1b[2J"
    record = make_record({"event": forged, "name": forged})

    line = JSON.format(record)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["name"] == forged
    assert COLUMNS.format(record).isprintable()
    # Further lines of a library's message may be source code or input.
    assert log_line("first\nsource line\n%s", "tops3cret")["event"] == "first"
    event = {"event": "x", "stack_info": "code", "stack": "code", "positional_args": [1]}
    assert set(log_line(event)) == {"timestamp", "level", "event", "logger"}


def test_a_line_has_time_level_event_and_logger_that_no_field_replaces() -> None:
    line = log_line("it %s", "happened", created=1_777_628_400.25)
    forged = {"level": "debug", "timestamp": "never", "logger": "me"}

    assert line == {
        "timestamp": "2026-05-01T09:40:00.250Z",
        "level": "warning",
        "event": "it happened",
        "logger": "library",
    }
    assert log_line({**line, **forged}, created=1_777_628_400.25) == line


def test_values_become_plain_data() -> None:
    event = {
        "event": "x",
        "took": timedelta(milliseconds=1500),
        "at": datetime(2026, 5, 1, tzinfo=UTC),
        "path": Path("/a/b"),
        "size": 20_000_000,
        "content": b"12345",
        "tags": ("a", {"b": 1.5}),
    }

    line = log_line(event)

    assert {name: line[name] for name in event} == {
        "event": "x",
        "took": 1.5,
        "at": "2026-05-01T00:00:00+00:00",
        "path": "/a/b",
        "size": 20_000_000,
        "content": "<5 bytes>",
        "tags": ["a", {"b": 1.5}],
    }


@pytest.mark.parametrize(
    ("log_format", "stream", "no_color", "expected"),
    [
        ("auto", io.StringIO(), "", "json"),
        ("auto", Terminal(), "", "colors"),
        ("auto", Terminal(), "1", "columns"),
        ("json", Terminal(), "", "json"),
        ("console", io.StringIO(), "", "columns"),
    ],
)
def test_a_terminal_gets_columns_and_everything_else_json(
    monkeypatch: pytest.MonkeyPatch, log_format: str, stream: TextIO, no_color: str, expected: str
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)

    line = make_formatter(log_format, stream).format(make_record({"event": "hello", "n": 1}))

    assert "hello" in line
    assert line.startswith("{") == (expected == "json")
    assert ("\x1b[" in line) == (expected == "colors")


@pytest.mark.parametrize(("level", "is_short"), [("info", True), ("warning", False)])
def test_terminals_get_the_request_id_only_with_warnings(level: str, is_short: bool) -> None:
    record = make_record({"event": "http_request", "method": "POST", "path": "/auth/request-otp"})
    record.levelno, record.levelname = getattr(logging, level.upper()), level.upper()

    with request_fields(request_id="a-request", client_ip="203.0.113.7"):
        line = COLUMNS.format(record)

    assert "client_ip=203.0.113.7 method=POST path=/auth/request-otp" in line
    assert ("a-request" not in line and "[" + record.name not in line) == is_short


# Exceptions


def test_an_exception_is_logged_with_its_frames_and_without_its_message() -> None:
    def fail(text: str) -> None:
        try:
            int(text)
        except ValueError as error:
            raise KeyError(text) from error

    with pytest.raises(KeyError) as raised:
        fail("tops3cret")

    for line in (
        log_line("it failed", exc_info=(KeyError, raised.value, raised.value.__traceback__)),
        log_line({"event": "it failed", "exc_info": raised.value}),
        log_line({"event": "it failed"}, exc_info=raised.value),
        log_line({"event": "it failed", "error": raised.value}),
        log_line("it failed: %s", raised.value),
    ):
        assert "tops3cret" not in json.dumps(line)
        assert "KeyError" in json.dumps(line)

    lines = log_line("x", exc_info=raised.value)["exception"].splitlines()
    assert lines[0] == "KeyError"
    assert "test_logging_formatter.py:" in lines[1]
    assert lines[1].endswith("test_an_exception_is_logged_with_its_frames_and_without_its_message")
    assert "caused by ValueError" in lines


def exceptions() -> list[tuple[Exception, str]]:
    """Return exceptions and how they are logged; only our own errors have a message."""
    of_system, in_context = StorageUnavailable("down"), KeyError("tops3cret")
    cause, effect = KeyError(), TypeError()
    of_system.__cause__ = OSError(28, "No space left on /secret/place")
    in_context.__context__ = TypeError("tops3cret")
    cause.__cause__, effect.__cause__ = effect, cause
    group = ExceptionGroup("tops3cret", [ValueError("tops3cret"), StorageUnavailable("down")])
    ours = "application.ports.errors.StorageUnavailable: down"
    return [
        (of_system, f"{ours}\ncaused by OSError (ENOSPC)"),
        (in_context, "KeyError\nwhile handling TypeError"),
        (cause, "KeyError\ncaused by TypeError"),
        (group, f"ExceptionGroup\n  | ValueError\n  | {ours}"),
    ]


@pytest.mark.parametrize(("error", "lines"), exceptions())
def test_only_our_own_errors_are_logged_with_their_message(error: Exception, lines: str) -> None:
    assert log_line("x", exc_info=error)["exception"] == lines


def test_long_texts_lists_and_recursions_are_cut() -> None:
    def recurse() -> None:
        recurse()

    with pytest.raises(RecursionError) as raised:
        recurse()

    assert len(log_line("x", exc_info=raised.value)["exception"].splitlines()) < 50
    assert len(str(loggable("x" * 1_000_000))) < 3000
    assert len(str(loggable(["x" * 10] * 1_000_000))) < 3000


# Broken values and records


def test_a_broken_value_is_logged_as_its_type() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    event = {
        "event": "x", "a": Broken(), "b": float("nan"), "c": 10**5000, "d": [Broken()], "e": cycle,
    }  # fmt: skip
    line = log_line(event, _logger=None, _name="warning")  # as structlog logs it

    assert (line["a"], line["b"], line["c"]) == ("<Broken>", "<float>", "<int>")
    assert line["d"] == ["<Broken>"]
    assert len(str(line["e"])) < 1000


@pytest.mark.parametrize(
    "record",
    [
        make_record("%d %d", "not", "numbers"), make_record("%s", Broken()), make_record(Broken()),
        make_record({"event": Broken()}), make_record({Broken(): 1}),
        make_record("x", exc_info=(None, None, None)), make_record("x", exc_info=True),
        make_record(None),
    ],
)  # fmt: skip
def test_a_broken_record_still_makes_a_line(record: logging.LogRecord) -> None:
    for formatter in (JSON, COLUMNS, COLORS):
        line = formatter.format(record)

        assert line
        assert "tops3cret" not in line


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=examples(25))
@given(st.text(), st.dictionaries(st.text(), json_like, max_size=3))
def test_any_data_makes_a_line_in_each_format(event: str, fields: dict[str, Any]) -> None:
    record = make_record({**fields, "event": event})

    assert json.loads(JSON.format(record))["level"] == "warning"
    assert COLUMNS.format(record)
