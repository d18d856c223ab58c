"""A process whose log nobody reads, or that ends as soon as it has told something."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
BEGIN = """
import logging, os, sys
from entrypoints.logs import configure_logs
configure_logs("info", "json")
log = logging.getLogger("entrypoints.test")
"""
STUCK = "for number in range(5000):\n    log.info('x' * 1000)\nprint('went on', flush=True)\n"
AT_ONCE = "for number in range(300):\n    log.info('line %s', number)\n"
FORKED = """
import multiprocessing
def work():
    configure_logs("info", "json")
    for number in range(300):
        log.info("line %s", number)
log.info("the parent's")
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
sys.exit(child.exitcode)
"""


def started(script: str, stderr: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + script],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def test_who_logs_never_waits_for_a_reader_and_the_end_comes_all_the_same() -> None:
    reading, writing = os.pipe()
    process = started(STUCK, writing)
    os.close(writing)

    printed, _ = process.communicate(timeout=30)

    assert (printed, process.returncode) == ("went on\n", 0)
    os.close(reading)


def test_a_late_reader_is_told_how_many_lines_are_missing() -> None:
    process = started(STUCK + "sys.stdin.readline()\nlog.info('last')\n")
    assert process.stdout is not None
    assert process.stdout.readline() == "went on\n"

    _, told = process.communicate("\n", timeout=30)

    lines = [json.loads(line) for line in told.splitlines()]
    missing = [line["lines"] for line in lines if "missing" in line["event"]]
    assert len(missing) == 1
    assert len(lines) - 1 + missing[0] == 5001
    assert lines[-1]["event"] == "last"


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)\n", "raise RuntimeError\n"])
def test_no_line_is_lost_of_a_process_that_ends_at_once(end: str) -> None:
    _, told = started(AT_ONCE + end).communicate(timeout=30)

    events = [json.loads(line)["event"] for line in told.splitlines()]
    assert events[:300] == [f"line {number}" for number in range(300)]
    assert events[300:] == (["unforeseen"] if "Runtime" in end else [])


def test_a_forked_worker_loses_none_either() -> None:
    process = started(FORKED)
    _, told = process.communicate(timeout=30)

    events = sorted(json.loads(line)["event"] for line in told.splitlines())
    assert process.returncode == 0
    assert events == sorted(["the parent's", *(f"line {number}" for number in range(300))])


def test_a_closed_stderr_is_no_reason_to_fail() -> None:
    script = BEGIN + "log.info('x')\nprint('went on')\n"
    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, script],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    assert ended.stdout == "went on\n"
