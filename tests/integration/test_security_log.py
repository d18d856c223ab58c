"""Security events as a process writes them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from application.ports.security_events import SecurityEventType

PROJECT: Final = Path(__file__).parents[2]

TELL_EVERYTHING: Final = """
import sys
from application.ports.security_events import SecurityEvent, SecurityEventType
from domain.phone import parse_phone
from entrypoints.logs import bind_request_id, configure_logs
from entrypoints.logs.security_events import LoggedSecurityEvents

configure_logs(sys.argv[1], "json")
events = LoggedSecurityEvents()
phone = parse_phone("+14155552671")
with bind_request_id("a-request"):
    for fact in SecurityEventType:
        events.emit(SecurityEvent(
            type=fact, phone=phone, client_ip="2001:db8:1234:5678::", user_id="0" * 24,
            reason="no to +14155552671 with 123456", attempts_left=0,
        ))
events.emit(SecurityEvent(type=SecurityEventType.TEST_OTP_USED))
print("went on")
"""


def told(level: str) -> list[dict[str, Any]]:
    """The lines of a process that tells everything."""
    ended = subprocess.run(
        [sys.executable, "-c", TELL_EVERYTHING, level],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "4155552671" not in ended.stderr
    assert "123456" not in ended.stderr
    return [json.loads(line) for line in ended.stderr.splitlines()]


@pytest.mark.parametrize("level", ["debug", "info"])
def test_each_is_one_line_with_a_masked_phone_and_the_id_of_its_request(level: str) -> None:
    lines = told(level)

    assert [line["event"] for line in lines[:-1]] == [fact.value for fact in SecurityEventType]
    for line in lines[:-1]:
        assert line["level"] in ("info", "warning")
        del line["timestamp"], line["event"], line["level"]
        assert line == {
            "logger": "dialtone.security",
            "request_id": "a-request",
            "phone": "+1********71",
            "address": "2001:db8:1234:5678::",
            "identity": "0" * 24,
            "reason": "no to +*********71 with ******",
            "attempts_left": 0,
        }


def test_what_is_not_known_is_left_away() -> None:
    last = told("info")[-1]

    assert last.keys() == {"timestamp", "level", "event", "logger"}


@pytest.mark.parametrize("level", ["warning", "error"])
def test_what_may_be_an_attack_is_told_at_any_level(level: str) -> None:
    alarms = [line["event"] for line in told(level)[:-1]]

    assert alarms == ["tries_spent", "test_number_used", "refresh_token_reused"]


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", TELL_EVERYTHING, "info"],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )

    assert (ended.returncode, ended.stdout) == (0, "went on\n")
