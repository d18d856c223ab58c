"""Formatting of log lines, and phone numbers and secrets, which the log never contains."""

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from adapters.operations.logging.configuration import RecordFormatter, make_processors
from adapters.operations.logging.masking import loggable, mask_phones
from application.ports.errors import StorageUnavailable
from domain.otp.challenge import parse_otp_code
from tests.support.builders import a_challenge, a_phone, an_id, an_identity


def make_record(message: Any, *args: Any, **attributes: Any) -> logging.LogRecord:
    """Return a warning of a library; a dict as the message makes it an event of an adapter."""
    record = logging.LogRecord("library", logging.WARNING, "/x.py", 7, message, args, None)
    vars(record).update(attributes)
    return record


def format_line(
    record: logging.LogRecord, log_format: str = "json", *, is_terminal: bool = False
) -> str:
    """Return the line of a record."""
    config = structlog.get_config()
    structlog.configure(processors=make_processors(log_format, is_terminal=is_terminal))
    try:
        return RecordFormatter().format(record)
    finally:
        structlog.configure(**config)


def log_line(message: Any, *args: Any, **attributes: Any) -> dict[str, Any]:
    """Return the fields of the JSON line of a record."""
    fields: dict[str, Any] = json.loads(format_line(make_record(message, *args, **attributes)))
    return fields


class Broken(Exception):
    def __repr__(self) -> str:
        raise ValueError("tops3cret")

    __str__ = __repr__


# Lines


def test_a_record_is_always_one_line() -> None:
    forged = "first\nsecond\r\u2028\x1b[2J"
    record = make_record({"event": forged, "name": forged})

    line = format_line(record)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["name"] == forged
    assert format_line(record, "console").isprintable()
    # Further lines of a library's message may be source code or input.
    assert log_line("first %s\nsource line", "tops3cret")["event"] == "first *"
    # A text without arguments may have been made with input.
    assert log_line("it happened to tops3cret")["event"] == "x:7"


def test_a_line_has_time_level_event_and_logger_that_no_field_replaces() -> None:
    line = log_line("it happened at %s", "tops3cret")
    forged = {"level": "debug", "timestamp": "never", "logger": "me"}

    time = datetime.fromisoformat(line.pop("timestamp"))
    assert line == {"level": "warning", "event": "it happened at *", "logger": "library"}
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=1)
    forged_line = log_line({**line, **forged})
    assert datetime.fromisoformat(forged_line.pop("timestamp")) >= time
    assert forged_line == line


# Exceptions


def test_an_exception_is_logged_with_its_frames_and_without_values() -> None:
    def fail(text: str) -> None:
        try:
            int(text)
        except ValueError as error:
            raise KeyError(text) from error

    with pytest.raises(KeyError) as raised:
        fail("tops3cret")

    for line in (
        log_line("it failed", exc_info=(KeyError, raised.value, raised.value.__traceback__)),
        log_line({"event": "it failed"}, exc_info=raised.value),
        log_line({"event": "it failed", "error": raised.value}),
        log_line("it failed: %s", raised.value),
    ):
        assert "tops3cret" not in json.dumps(line)
        assert "KeyError" in json.dumps(line)

    lines = log_line("x", exc_info=raised.value)["exception"].splitlines()
    assert lines[0] == "KeyError"
    assert "test_logging_processors.py:" in lines[1]
    assert lines[1].endswith("test_an_exception_is_logged_with_its_frames_and_without_values")
    assert "caused by ValueError" in lines


def exceptions() -> list[tuple[Exception, str]]:
    """Return exceptions and how they are logged; only our own errors keep their message."""
    of_system, in_context = StorageUnavailable("down"), KeyError("tops3cret")
    cause, effect = KeyError(), TypeError()
    of_system.__cause__ = OSError(28, "No space left on /secret/place")
    in_context.__context__ = TypeError("tops3cret")
    cause.__cause__, effect.__cause__ = effect, cause
    group = ExceptionGroup("tops3cret", [ValueError("tops3cret"), StorageUnavailable("down")])
    noted = ValueError("no such phone: +14155552671")
    noted.add_note("while reading 'tops3cret'")
    member = ValueError()
    loop = ExceptionGroup("it failed", [member])
    member.__cause__ = loop
    ours = "application.ports.errors.StorageUnavailable: down"
    return [
        (of_system, f"{ours}\ncaused by OSError (ENOSPC)"),
        (in_context, "KeyError\nwhile handling TypeError"),
        (cause, "KeyError\ncaused by TypeError"),
        (group, f"ExceptionGroup\n  | ValueError\n  | {ours}"),
        (loop, "ExceptionGroup\n  | ValueError"),
        (noted, "ValueError"),
    ]


@pytest.mark.parametrize(("error", "lines"), exceptions())
def test_causes_and_groups_are_logged_and_only_our_own_errors_keep_their_message(
    error: Exception, lines: str
) -> None:
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
    for log_format, is_terminal in [("json", False), ("console", False), ("console", True)]:
        line = format_line(record, log_format, is_terminal=is_terminal)

        assert line
        assert "tops3cret" not in line


# Phone numbers and secrets


PHONE = a_phone()
DIGITS = PHONE.e164.removeprefix("+")


def test_a_phone_and_a_code_are_masked_in_any_value() -> None:
    line = format_line(
        make_record(
            {
                "event": f"delivered to {PHONE.e164}",
                "phone": PHONE,
                "nested": {"to": [PHONE, DIGITS], PHONE.e164: 1},
                "identity": an_identity(phone=PHONE),
                "path": Path(f"/x/{DIGITS}"),
                "error": ValueError(PHONE.e164),
                "given": [parse_otp_code("123456"), a_challenge()],
            }
        )
    )

    assert DIGITS not in line
    assert "123456" not in line
    assert "nonce" in line
    assert "\\u0001" not in line
    assert json.loads(line)["phone"] == PHONE.masked


@pytest.mark.parametrize(
    "text",
    [
        "004915123456789", "tel14155552671x", "phone=%2B14155552671",
        "+1 (415) 555 2671", "98765 43210", "415.555.2671",
        "+1\N{NO-BREAK SPACE}415\N{NARROW NO-BREAK SPACE}555\N{NON-BREAKING HYPHEN}2671",
        "\uff0b\u0661\u0664\u0661\u0665\u0665\u0665\u0665", "1234567",
    ],
)  # fmt: skip
def test_only_the_last_two_digits_of_a_phone_number_stay(text: str) -> None:
    masked = mask_phones(f"before {text} after")

    assert sum(char.isdigit() for char in masked) <= 3  # with the 2 of %2B
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize(
    "text",
    [
        an_id(5), "0123456789abcdef0123456789abcdef", "01234567890123456789012345678901.jpg",
        "550e8400-e29b-41d4-a716-446655440000", "2026-05-01T09:30:00.123456789Z",
        "2026-05-01 09:30:00 +0000", "192.168.100.200:49152", "took 12.123456789 s",
        "took 0.123456789.", "worker 123456 of 4", "SM0123456789abcdef0123456789abcdef",
        "34a7a010b8632746c9310ed921053552eb3c026a",
    ],
)  # fmt: skip
def test_ids_times_ips_and_durations_stay(text: str) -> None:
    assert mask_phones(text) == text


def test_the_hash_of_a_phone_stays_and_a_phone_in_its_place_does_not() -> None:
    for text, shown in (("7dea170123456715", "7dea170123456715"), ("+14155552671", "+*********71")):
        assert log_line({"event": "x", "phone_hash": text})["phone_hash"] == shown


@pytest.mark.parametrize(
    "key",
    [
        "otp", "access_token", "refresh-token", "Authorization", "request_body", "Set-Cookie",
        "password", "secret", "pepper", "text", "sign_in_code",
    ],
)  # fmt: skip
def test_the_value_of_a_secret_is_hidden(key: str) -> None:
    for value in ("123456", 123456, ["123456"], b"123456", {"x": "123456"}):
        line = log_line({"event": "x", key: value, "headers": {key: value}, "status_code": 404})

        assert line[key] == line["headers"][key] == "(hidden)"
        assert line["status_code"] == 404
