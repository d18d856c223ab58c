"""Writing log lines without waiting for the stream."""

import io
import logging
import os
import select
import threading
import time
from collections.abc import Iterator
from typing import TextIO

import pytest

from adapters.logging.handler import NonBlockingHandler

TIMEOUT = 30


class BlockingStream(io.StringIO):
    """A stream without a file descriptor; a write waits until `unblock` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.unblock = threading.Event()
        self.is_writing = threading.Event()

    def write(self, text: str) -> int:
        self.is_writing.set()
        assert self.unblock.wait(TIMEOUT)
        return super().write(text)


class FullStream(io.StringIO):
    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


class PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, dict):
            return f"{record.msg['lines']} dropped"
        return record.getMessage()


def handler_for(stream: TextIO | None, max_queue_size: int = 1_000_000) -> NonBlockingHandler:
    handler = NonBlockingHandler(stream, max_queue_size)
    handler.setFormatter(PlainFormatter())
    return handler


def log(handler: NonBlockingHandler, *lines: str) -> None:
    for line in lines:
        handler.handle(logging.LogRecord("test", logging.INFO, "/x.py", 1, line, (), None))


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield reading, stream
    os.close(reading)


def test_lines_are_written_in_order() -> None:
    stream = io.StringIO()
    handler = handler_for(stream)

    log(handler, *map(str, range(2000)))
    handler.flush(TIMEOUT)

    assert stream.getvalue().splitlines() == [str(number) for number in range(2000)]


def test_lines_that_do_not_fit_into_the_queue_are_dropped_and_counted() -> None:
    stream = BlockingStream()
    handler = handler_for(stream, max_queue_size=8)
    log(handler, "aaaaaaa")
    assert stream.is_writing.wait(TIMEOUT)

    log(handler, "bbbb", "cccc", "d")
    stream.unblock.set()
    handler.flush(TIMEOUT)
    log(handler, "e")
    handler.flush(TIMEOUT)

    assert stream.getvalue() == "aaaaaaa\nbbbb\n2 dropped\ne\n"


def test_a_blocked_stream_delays_a_flush_only_until_its_timeout() -> None:
    stream = BlockingStream()
    handler = handler_for(stream)
    log(handler, "a")
    started_at = time.monotonic()

    handler.flush(0.01)

    # A flush without a timeout would wait until the stream gives up.
    assert time.monotonic() - started_at < TIMEOUT / 2
    assert not stream.unblock.is_set()
    assert stream.getvalue() == ""
    stream.unblock.set()
    handler.flush(TIMEOUT)
    assert stream.getvalue() == "a\n"


def test_lines_that_could_not_be_written_are_counted() -> None:
    stream = FullStream()
    handler = handler_for(stream)
    for line in ("a", "b"):
        log(handler, line)
        handler.flush(TIMEOUT)

    stream.is_full = False
    log(handler, "c")
    handler.flush(TIMEOUT)

    assert stream.getvalue() == "2 dropped\nc\n"


def test_a_line_after_close_is_written() -> None:
    stream = io.StringIO()
    handler = handler_for(stream)
    log(handler, "a")
    handler.close()
    handler.flush(TIMEOUT)

    log(handler, "b")
    handler.flush(TIMEOUT)

    assert stream.getvalue() == "a\nb\n"


def test_without_a_stream_lines_are_neither_formatted_nor_queued() -> None:
    formatted = []

    class RecordingFormatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            formatted.append(record)
            return ""

    handler = handler_for(None)
    handler.setFormatter(RecordingFormatter())
    threads = set(threading.enumerate())

    log(handler, "a")

    assert formatted == []
    assert set(threading.enumerate()) <= threads


def test_a_non_blocking_pipe_gets_every_line(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    os.set_blocking(stream.fileno(), False)
    handler = handler_for(stream)
    line = "x" * 199
    log(handler, *[line] * 1000)

    expected = f"{line}\n".encode() * 1000
    written = b""
    while len(written) < len(expected):
        assert select.select([reading], [], [], TIMEOUT)[0]
        written += os.read(reading, 65536)

    assert written == expected


def test_a_forked_process_writes_only_its_own_lines(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    blocking = BlockingStream()
    blocked_handler, handler = handler_for(blocking), handler_for(stream)
    log(blocked_handler, "of the parent")
    assert blocking.is_writing.wait(TIMEOUT)

    child = os.fork()
    if child == 0:
        blocking.unblock.set()
        blocked_handler.flush(5)
        log(handler, f"{blocking.getvalue()}of the child")
        handler.flush(5)
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 1000) == b"of the child\n"
    blocking.unblock.set()
    blocked_handler.flush(TIMEOUT)
