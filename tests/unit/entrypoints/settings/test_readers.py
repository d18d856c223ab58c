"""The type of a field says how its text is read."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from domain.errors import InvalidValue
from domain.otp.sliding_window import SlidingWindow
from entrypoints.settings.parsers import number
from entrypoints.settings.readers import READERS, Reader, reader_of
from entrypoints.settings.values import Secret


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("kind", "text", "value", "invalid"),
    [
        (bool, "Yes", True, "true"),
        (int, "10", 10, "1e3"),
        (timedelta, "90d", timedelta(days=90), "90"),
        (SlidingWindow, "60/1h", SlidingWindow(60, timedelta(hours=1)), "60"),
        (tuple[Path, ...], "/a, /b", (Path("/a"), Path("/b")), "/a,"),
        (Path | None, "/a", Path("/a"), "https://a.test"),
        (tuple[Color, ...], "Blue,red", (Color.BLUE, Color.RED), "green"),
        (Literal["auto", "json"], "JSON", "json", "text"),
        (Annotated[int, number(1, 9)], "9", 9, "10"),
        (tuple[Annotated[int, Reader(number(1, 9), "3")], ...], "1,2", (1, 2), "1,10"),
        (Secret[Annotated[int, number(1, 9)]], "9", Secret(9), "10"),
    ],
)
def test_a_type_reads_its_text_and_rejects_others(
    kind: Any, text: str, value: object, invalid: str
) -> None:
    reader = reader_of(kind)
    assert reader.read(text) == value
    with pytest.raises(InvalidValue):
        reader.read(invalid)


@pytest.mark.parametrize("kind", [kind for kind, reader in READERS.items() if reader.example])
def test_the_example_of_a_type_is_valid(kind: Any) -> None:
    READERS[kind].read(READERS[kind].example)


def test_a_type_that_nothing_reads_is_an_error_that_says_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"type <class 'bytes'>: use Annotated\["):
        reader_of(tuple[bytes, ...])
