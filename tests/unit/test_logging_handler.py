"""Writing log lines without waiting for the descriptor."""

import fcntl
import logging
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.logging.handler import NonBlockingHandler

TIMEOUT = 30


class PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, dict):
            return f"{record.msg['lines']} dropped"
        return record.getMessage()


def handler_for(descriptor: int, max_queue_size: int = 1_000_000) -> NonBlockingHandler:
    handler = NonBlockingHandler(descriptor, max_queue_size=max_queue_size)
    handler.setFormatter(PlainFormatter())
    return handler


def log(handler: NonBlockingHandler, *lines: str) -> None:
    for line in lines:
        handler.handle(logging.LogRecord("test", logging.INFO, "/x.py", 1, line, (), None))


class Pipe:
    def __init__(self, flags: int = 0) -> None:
        self.reader, self.writer = os.pipe2(flags)
        self.long_line = "x" * fcntl.fcntl(self.writer, fcntl.F_GETPIPE_SZ)

    def block(self, handler: NonBlockingHandler) -> None:
        """Log a line that does not fit into the pipe, and wait until its write blocks."""
        log(handler, self.long_line)
        while select.select([], [self.writer], [], 0)[1]:
            # There is no event for a write that blocks.
            time.sleep(0.001)

    def unblock(self) -> None:
        """Read the line that blocks."""
        assert self.read(len(self.long_line) + 1) == f"{self.long_line}\n"

    def read(self, size: int) -> str:
        content = b""
        while len(content) < size:
            assert select.select([self.reader], [], [], TIMEOUT)[0]
            content += os.read(self.reader, size - len(content))
        return content.decode()

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    with (tmp_path / "log").open("w+b", buffering=0) as file:
        yield file.fileno()


def content_of(file: int) -> str:
    return os.pread(file, 1_000_000, 0).decode()


def test_lines_that_do_not_fit_into_the_queue_are_dropped_and_counted(pipe: Pipe) -> None:
    handler = handler_for(pipe.writer, max_queue_size=len(pipe.long_line) + 3)
    pipe.block(handler)

    log(handler, pipe.long_line[:-1], "cccc", "d")  # only the second is too long
    pipe.unblock()
    assert pipe.read(len(pipe.long_line)) == f"{pipe.long_line[:-1]}\n"
    handler.flush(TIMEOUT)
    log(handler, "e")

    assert pipe.read(12) == "2 dropped\ne\n"


def test_lines_that_could_not_be_written_are_counted(file: int) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        handler = handler_for(full.fileno())
        for line in ("a", "b", "c"):
            log(handler, line)
            handler.flush(TIMEOUT)

        os.dup2(file, full.fileno())
        log(handler, "d")
        handler.flush(TIMEOUT)

    assert content_of(file) == "3 dropped\nd\n"


def test_no_line_is_split_between_two_writes_to_a_non_blocking_pipe() -> None:
    pipe = Pipe(os.O_DIRECT | os.O_NONBLOCK)  # a read returns one write
    handler = handler_for(pipe.writer)
    log(handler, *["x" * 99] * 2000)

    writes: list[int] = []
    while sum(writes) < 200_000:
        assert select.select([pipe.reader], [], [], TIMEOUT)[0]
        writes.append(len(os.read(pipe.reader, select.PIPE_BUF)))

    assert {size % 100 for size in writes} == {0}
    assert max(writes) == 4000
    pipe.close()


def test_a_forked_process_writes_only_its_own_lines(pipe: Pipe) -> None:
    other = Pipe()
    blocked_handler, handler = handler_for(pipe.writer), handler_for(other.writer)
    pipe.block(blocked_handler)
    log(blocked_handler, "of the parent")

    child = os.fork()
    if child == 0:
        blocked_handler.flush(5)
        log(handler, "of the child")
        handler.flush(5)
        os._exit(0)
    os.waitpid(child, 0)

    assert other.read(13) == "of the child\n"
    pipe.unblock()
    assert pipe.read(14) == "of the parent\n"
    blocked_handler.flush(TIMEOUT)
    assert not select.select([pipe.reader], [], [], 0)[0]
    other.close()
