"""The log of a whole process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

pytestmark = pytest.mark.slow

PROJECT: Final = Path(__file__).parents[4]
TIMEOUT: Final = 30
CONFIGURE: Final = """
import logging, os, sys
from adapters.operations.logging import configure_logging
configure_logging(os.environ.get("LEVEL", "info"), "auto")
log = logging.getLogger("entrypoints.test")
"""


def start(
    script: str, level: str = "info", stderr: int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CONFIGURE + script],
        cwd=PROJECT,
        env={**os.environ, "LEVEL": level},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def run(script: str, level: str = "info") -> tuple[int, str, list[dict[str, Any]]]:
    """The exit code, stdout and log lines of a process; no line contains the secrets."""
    process = start(script, level)
    stdout, log = process.communicate(timeout=TIMEOUT)
    for secret in ("tops3cret", "4155552671", "123456"):
        assert secret not in log
    return process.returncode, stdout, [json.loads(line) for line in log.splitlines()]


# Loggers and levels

ALL_LOGGERS: Final = """
import asyncio, warnings
import structlog
from adapters.operations.logging.configuration import configure_structlog
configure_structlog()
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest
ours = structlog.get_logger("entrypoints.test")
CURRENT_REQUEST.set(CurrentRequest({"request_id": "a-request"}))
ours.info("ours", phone_number="+14155552671")
CURRENT_REQUEST.set(None)
ours.debug("ours for debugging")
logging.getLogger("application").debug("also ours")
logging.getLogger("library").info("a library's %s", "text")
logging.getLogger("library").warning("a library's warning of %s", "'tops3cret'")
logging.getLogger("_granian").info("a granian message")
logging.getLogger("_granian").warning("a granian warning")
warnings.warn("a warning: 'tops3cret'")
try:
    raise RuntimeError("tops3cret")
except RuntimeError:
    ours.exception("an exception")
async def main():
    asyncio.get_running_loop().call_exception_handler(
        {"message": "a task's", "exception": ValueError("tops3cret"), "future": "tops3cret"}
    )
asyncio.run(main())
print("finished")
"""


def test_every_logger_writes_to_stderr_in_one_format() -> None:
    _, stdout, lines = run(ALL_LOGGERS, "debug")

    assert stdout == "finished\n"
    assert [(line["logger"], line["level"], line["event"]) for line in lines] == [
        ("entrypoints.test", "info", "ours"),
        ("entrypoints.test", "debug", "ours for debugging"),
        ("application", "debug", "also ours"),
        ("library", "warning", "a library's warning of *"),
        ("_granian", "warning", "a granian warning"),
        ("py.warnings", "warning", "<string>:22: UserWarning"),
        ("entrypoints.test", "error", "an exception"),
        ("asyncio", "error", "a task's"),
    ]
    assert lines[0]["request_id"] == "a-request"
    assert lines[6]["exception"] == "RuntimeError\n  <string>:24 <module>"
    _, _, errors = run(ALL_LOGGERS, "error")
    assert [line["level"] for line in errors] == ["error", "error"]


LIBRARY: Final = """
import asyncio, structlog
from adapters.operations.logging import log_package
text = "123456 is your code"
log_package("my_sms")
logging.getLogger("asyncio").setLevel(logging.DEBUG)  # older than the configuration of the log
logging.getLogger("asyncio").info(text)
for name in ("vendor", "vendor.client", None):
    vendor = logging.getLogger(name)
    vendor.setLevel(logging.DEBUG)
    vendor.addHandler(logging.StreamHandler(sys.stdout))
    vendor.info(text)
    vendor.debug("sent %s", text)
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
logging.info(text)
structlog.get_logger("vendor").info(text)
structlog.get_logger("vendor").warning("a warning")
structlog.get_logger("my_sms").info("of my_sms")
logging.getLogger("my_sms.client").debug("of its module")
"""


def test_a_library_logs_warnings_only() -> None:
    _, stdout, lines = run(LIBRARY, "debug")

    assert "123456" not in stdout
    assert [line["event"] for line in lines] == ["a warning", "of my_sms", "of its module"]


VITAL: Final = """
import threading, time
from adapters.shared.threads import start_thread
start_thread("other", lambda: int("tops3cret")).join()
print("goes on", flush=True)
start_thread("vital", sys.exit, is_vital=True)
time.sleep(60)
"""


def test_a_thread_that_ends_by_an_error_is_logged_and_a_vital_one_ends_the_process() -> None:
    exit_code, stdout, lines = run(VITAL)

    assert (exit_code, stdout) == (1, "goes on\n")
    assert [(line["event"], line["level"], line["thread"]) for line in lines] == [
        ("unhandled_exception", "critical", name) for name in ("other", "vital")
    ]


# A stream that blocks or fails

BLOCKED: Final = "for _ in range(5000): log.info('x' * 1000)\nprint('finished', flush=True)\n"


def test_a_process_neither_waits_for_a_blocked_stderr_nor_hangs_at_its_end() -> None:
    reading, writing = os.pipe()
    process = start(BLOCKED, stderr=writing)
    os.close(writing)

    stdout, _ = process.communicate(timeout=TIMEOUT)

    assert (stdout, process.returncode) == ("finished\n", 0)
    os.close(reading)


def test_no_line_is_lost_when_the_process_exits_at_once() -> None:
    _, _, lines = run("for number in range(300): log.info('line %s', number)\nraise RuntimeError\n")
    expected = [*(f"line {number}" for number in range(300)), "unhandled_exception"]
    assert [line["event"] for line in lines] == expected


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_a_closed_or_full_stderr_does_not_fail_the_process(redirection: str) -> None:
    command = ["/bin/sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable]

    stdout = subprocess.check_output([*command, CONFIGURE + BLOCKED], cwd=PROJECT, text=True)

    assert stdout == "finished\n"


# Security events

RECORD_ACTS: Final = """
from adapters.operations.logging.security_events import LogSecurityEvents
from application.identities import events
from application.otp.events import LimitsReset, OtpAttemptsExhausted
from application.record_act import ActRecorded
from domain.administration.audit import ActorKind, AuditAction
from domain.identities.role import Role
from domain.phone import parse_phone

phone, user_id = parse_phone("+14155552671"), "68b1c0a5d2f04e7a9c3b1d20"
for event in (
    ActRecorded(
        entry_id="68b1c0a5d2f04e7a9c3b1d21",
        actor_kind=ActorKind.OPERATING_SYSTEM_USER,
        actor_id="jane",
        action=AuditAction.PROMOTE,
        subject=user_id,
        role=Role.SUPPORT,
    ),
    events.UserDeleted(user_id=user_id),
    events.PhoneBlockedByOperator(phone=phone, user_id=user_id),
    events.SessionRevoked(user_id=user_id, reason="scope all"),
    events.SessionRefreshed(user_id=user_id, session_id="f" * 32),
    LimitsReset(phone=phone),
    OtpAttemptsExhausted(phone=phone, reason="why"),
):
    LogSecurityEvents().record(event)
"""


def test_warnings_and_what_is_repeated_after_a_restore_are_logged_at_every_level() -> None:
    _, _, [*lines, warning] = run(RECORD_ACTS, "error")

    assert [line["event"] for line in lines] == [
        *("act_recorded", "user_deleted", "phone_blocked", "session_revoked"),
    ]
    assert (warning["event"], warning["phone"]) == ("otp_attempts_exhausted", "+1********71")
    assert {line["user_id"] for line in lines[1:]} == {lines[0]["subject"]}
    assert {line["level"] for line in lines} == {"info"}
