"""Lines on their way out: nobody waits for them."""

import io
import os
import select
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

from entrypoints.logs.outlet import Outlet


class Gate(io.StringIO):
    """A stream without a descriptor that takes nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open = threading.Event()
        self.is_asked = threading.Event()

    def write(self, text: str) -> int:
        self.is_asked.set()
        assert self.is_open.wait(30)
        return super().write(text)


class Broken(io.StringIO):
    is_broken = True

    def write(self, text: str) -> int:
        if self.is_broken:
            raise OSError(28, "No space left on device")
        return super().write(text)


def outlet_to(stream: TextIO | None, room: int = 1000) -> Outlet:
    return Outlet(stream, "{} missing\n".format, room)


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield reading, stream
    os.close(reading)


def test_lines_come_out_in_order() -> None:
    stream = io.StringIO()
    outlet = outlet_to(stream, room=1_000_000)

    for number in range(2000):
        outlet.put(f"{number}\n")
    outlet.flush(30)

    assert stream.getvalue().splitlines() == [str(number) for number in range(2000)]


def test_where_there_was_no_room_one_line_says_how_many_are_missing() -> None:
    stream = Gate()
    outlet = outlet_to(stream, room=8)
    outlet.put("a" * 8)
    assert stream.is_asked.wait(30)

    for line in ("b" * 8, "c", "d"):
        outlet.put(line)
    stream.is_open.set()
    outlet.flush(30)
    outlet.put("e\n")
    outlet.flush(30)

    assert stream.getvalue() == f"{'a' * 8}{'b' * 8}2 missing\ne\n"


def test_a_stream_that_takes_nothing_is_waited_for_no_longer_than_asked() -> None:
    stream = Gate()
    outlet = outlet_to(stream)
    outlet.put("a\n")

    outlet.flush(0.01)

    assert stream.getvalue() == ""
    stream.is_open.set()
    outlet.flush(30)
    assert stream.getvalue() == "a\n"


def test_what_could_not_be_written_is_told_as_soon_as_something_can() -> None:
    stream = Broken()
    outlet = outlet_to(stream)
    for line in ("a\n", "b\n"):
        outlet.put(line)
        outlet.flush(30)

    stream.is_broken = False
    outlet.put("c\n")
    outlet.flush(30)

    assert stream.getvalue() == "2 missing\nc\n"


def test_a_line_after_the_end_is_written_too() -> None:
    stream = io.StringIO()
    outlet = outlet_to(stream)
    outlet.put("a\n")
    outlet.close()
    outlet.flush(30)

    outlet.put("b\n")
    outlet.flush(30)

    assert stream.getvalue() == "a\nb\n"


def test_a_closed_stderr_takes_everything() -> None:
    outlet = outlet_to(None)
    outlet.put("a\n")
    outlet.flush(30)


def test_a_stream_that_refuses_to_block_is_waited_for(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    os.set_blocking(stream.fileno(), False)
    outlet = outlet_to(stream, room=1_000_000)
    line = "x" * 199 + "\n"
    for _ in range(1000):
        outlet.put(line)

    got = b""
    while len(got) < 1000 * len(line):
        assert select.select([reading], [], [], 30)[0]
        got += os.read(reading, 65536)

    assert got == line.encode() * 1000


def test_a_forked_process_writes_its_own_lines_only(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    gate = Gate()
    stuck, outlet = outlet_to(gate), outlet_to(stream)
    stuck.put("the parent's\n")
    assert gate.is_asked.wait(30)

    child = os.fork()
    if child == 0:
        gate.is_open.set()
        stuck.flush(5)
        outlet.put(f"{gate.getvalue()}the child's\n")
        outlet.flush(5)
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 1000) == b"the child's\n"
    gate.is_open.set()
    stuck.flush(30)
