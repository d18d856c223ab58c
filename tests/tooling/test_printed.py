import os
from collections.abc import Iterator
from typing import IO

import pytest

from tests.support.printed import Printed


@pytest.fixture
def ends() -> Iterator[tuple[Printed, IO[bytes]]]:
    reading, writing = os.pipe()
    printed = Printed(os.fdopen(reading, "rb"))
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        yield printed, pipe
    printed.close(5)


def test_what_was_written_before_somebody_asks_is_there(ends: tuple[Printed, IO[bytes]]) -> None:
    printed, pipe = ends
    for number in range(1000):
        pipe.write(f"{number}\n".encode())
        assert printed.text.endswith(f"{number}\n")


def test_a_letter_that_comes_in_two_halves_is_one(ends: tuple[Printed, IO[bytes]]) -> None:
    printed, pipe = ends
    first, second = "│".encode()[:1], "│".encode()[1:]
    pipe.write(first)
    assert printed.text == ""
    pipe.write(second)
    assert printed.text == "│"


def test_what_is_waited_for_has_come_when_the_wait_is_over(
    ends: tuple[Printed, IO[bytes]],
) -> None:
    printed, pipe = ends
    pipe.write(b"a message")
    assert printed.wait_for(lambda: "message" in printed.text, 5)
    assert not printed.wait_for(lambda: "another" in printed.text, 0)


def test_all_is_kept_when_the_pipe_is_closed(ends: tuple[Printed, IO[bytes]]) -> None:
    printed, pipe = ends
    pipe.write(b"x" * 50_000)
    pipe.close()
    printed.close(5)
    assert printed.text == "x" * 50_000
