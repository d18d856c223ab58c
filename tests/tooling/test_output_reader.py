import os
from collections.abc import Iterator
from typing import IO

import pytest

from tests.support.output_reader import OutputReader


@pytest.fixture
def output() -> Iterator[tuple[OutputReader, IO[bytes]]]:
    reading, writing = os.pipe()
    reader = OutputReader(os.fdopen(reading, "rb"))
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        yield reader, pipe
    reader.close(5)


def test_the_text_has_all_output_so_far(output: tuple[OutputReader, IO[bytes]]) -> None:
    reader, pipe = output
    for number in range(1000):
        pipe.write(f"{number}\n".encode())
        assert reader.text.endswith(f"{number}\n")


def test_a_character_in_two_chunks_is_decoded(output: tuple[OutputReader, IO[bytes]]) -> None:
    reader, pipe = output
    first, second = "│".encode()[:1], "│".encode()[1:]
    pipe.write(first)
    assert reader.text == ""
    pipe.write(second)
    assert reader.text == "│"


def test_waiting_ends_when_the_condition_is_true(
    output: tuple[OutputReader, IO[bytes]],
) -> None:
    reader, pipe = output
    pipe.write(b"a message")
    assert reader.wait_for(lambda: "message" in reader.text, 5)
    assert not reader.wait_for(lambda: "another" in reader.text, 0)


def test_the_text_is_complete_after_closing(output: tuple[OutputReader, IO[bytes]]) -> None:
    reader, pipe = output
    pipe.write(b"x" * 50_000)
    pipe.close()
    reader.close(5)
    assert reader.text == "x" * 50_000
