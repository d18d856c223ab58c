"""Writing log lines without waiting for the descriptor."""

import fcntl
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.operations.logging import lines
from adapters.operations.logging.lines import LineWriter

TIMEOUT = 30


def writer_for(descriptor: int) -> LineWriter:
    return LineWriter(descriptor, lambda count: f"{count} dropped")


def write(writer: LineWriter, *written: str) -> None:
    for line in written:
        writer.write(line)


class Pipe:
    def __init__(self, flags: int = 0) -> None:
        self.reader, self.writer = os.pipe2(flags)
        self.long_line = "x" * fcntl.fcntl(self.writer, fcntl.F_GETPIPE_SZ)

    def block(self, writer: LineWriter) -> None:
        """Write a line that does not fit into the pipe, and wait until its write blocks."""
        writer.write(self.long_line)
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


def test_lines_that_do_not_fit_into_the_list_are_dropped_and_counted(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINES", 2)
    writer, dropped = writer_for(pipe.writer), list[int]()
    writer.count_dropped = dropped.append
    pipe.block(writer)

    write(writer, "a", "b", "cccc", "d")
    assert sum(dropped) == 2  # already, while the log cannot say so
    pipe.unblock()
    assert pipe.read(14) == "a\nb\n2 dropped\n"
    writer.write("e")

    assert pipe.read(2) == "e\n"


def test_lines_that_could_not_be_written_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with Path("/dev/full").open("wb", buffering=0) as full, path.open("wb") as file:
        writer = writer_for(full.fileno())
        for line in ("a", "b", "c"):
            writer.write(line)
            writer.wait_until_written(TIMEOUT)

        os.dup2(file.fileno(), full.fileno())
        writer.write("d")
        writer.wait_until_written(TIMEOUT)

    assert path.read_text() == "d\n3 dropped\n"


def test_no_line_is_split_between_two_writes_to_a_non_blocking_pipe() -> None:
    pipe = Pipe(os.O_DIRECT | os.O_NONBLOCK)  # a read returns one write
    write(writer_for(pipe.writer), *["x" * 99] * 2000)

    writes: list[int] = []
    while sum(writes) < 200_000:
        assert select.select([pipe.reader], [], [], TIMEOUT)[0]
        writes.append(len(os.read(pipe.reader, select.PIPE_BUF)))

    assert {size % 100 for size in writes} == {0}
    assert max(writes) == 4000
    pipe.close()
