"""All loggers of a process."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]

LOG_EVERYTHING = """
import asyncio, logging, sys, warnings
import structlog
from entrypoints.logs import bind_request_id, configure_logs

configure_logs(sys.argv[1], sys.argv[2])
ours = structlog.get_logger("entrypoints.test")
with bind_request_id("a-request"):
    ours.info("ours", phone_number="+14155552671")
ours.debug("ours for debugging")
logging.getLogger("application").debug("also ours")
logging.getLogger("vendor").info("a vendor's %s", "text")
logging.getLogger("vendor").debug("a vendor's debugging")
logging.getLogger("_granian").info("the server's news")
logging.getLogger("_granian").warning("the server's trouble")
warnings.warn("a warning")
try:
    raise RuntimeError("tops3cret")
except RuntimeError:
    ours.exception("an exception")
async def main():
    asyncio.get_running_loop().call_exception_handler(
        {"message": "a task's", "exception": ValueError("tops3cret"), "future": "tops3cret"}
    )
asyncio.run(main())
print("answer")
"""


@pytest.fixture
def log_everything() -> Callable[..., tuple[list[dict[str, Any]], str]]:
    def run(level: str) -> tuple[list[dict[str, Any]], str]:
        ended = subprocess.run(
            [sys.executable, "-c", LOG_EVERYTHING, level, "auto"],
            cwd=PROJECT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "tops3cret" not in ended.stderr
        assert "4155552671" not in ended.stderr
        return [json.loads(line) for line in ended.stderr.splitlines()], ended.stdout

    return run


def test_every_logger_writes_to_stderr_in_one_form(
    log_everything: Callable[..., tuple[list[dict[str, Any]], str]],
) -> None:
    lines, printed = log_everything("info")

    assert printed == "answer\n"
    events = [(line["logger"], line["level"], line["event"]) for line in lines]
    assert events == [
        ("entrypoints.test", "info", "ours"),
        ("vendor", "info", "a vendor's text"),
        ("_granian", "warning", "the server's trouble"),
        ("py.warnings", "warning", "<string>:16: UserWarning: a warning"),
        ("entrypoints.test", "error", "an exception"),
        ("asyncio", "error", "a task's"),
    ]
    assert lines[0]["request_id"] == "a-request"
    assert lines[4]["exception"] == "RuntimeError\n  <string>:18 <module>"


def test_only_our_own_loggers_speak_for_debugging(
    log_everything: Callable[..., tuple[list[dict[str, Any]], str]],
) -> None:
    lines, _ = log_everything("debug")

    assert [line["event"] for line in lines if line["level"] == "debug"] == [
        "ours for debugging",
        "also ours",
    ]


def test_a_level_silences_what_is_below_it(
    log_everything: Callable[..., tuple[list[dict[str, Any]], str]],
) -> None:
    lines, _ = log_everything("error")

    assert [line["level"] for line in lines] == ["error", "error"]


def test_a_log_that_cannot_be_written_is_no_reason_to_fail_or_to_complain() -> None:
    script = "from entrypoints.logs import *; import logging, sys; configure_logs('info', 'json')\n"
    script += "logging.getLogger('x').error('tops3cret'); print('went on')"
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", script],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )

    assert ended.stdout == "went on\n"


ESCAPE = """
import threading
from entrypoints.logs import configure_logs
configure_logs("info", "json")
def fail():
    raise RuntimeError("tops3cret")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def test_what_nobody_caught_is_told_without_its_message() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ESCAPE], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "tops3cret" not in ended.stderr
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("unforeseen", "critical")] * 2
