"""How a message looks in the terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.console.box import boxed
from adapters.console.columns import columns_of, wrapped

TEXT = "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."


def drawn(text: str, *, width: int = 100, encoding: str = "utf-8", colors: bool = False) -> str:
    return boxed("+14155552671", text, width=width, encoding=encoding, has_colors=colors)


def test_a_box_tells_to_whom_and_what() -> None:
    assert drawn("012345 is your code.") == (
        "┌──────────────────────┐\n"
        "│ To: +14155552671     │\n"
        "│ 012345 is your code. │\n"
        "└──────────────────────┘\n"
    )


def test_where_the_encoding_has_no_lines_it_is_drawn_in_ascii() -> None:
    assert drawn("012345 für dich", encoding="ascii") == (
        "+--------------------+\n"
        "| To: +14155552671   |\n"
        "| 012345 f\\xfcr dich |\n"
        "+--------------------+\n"
    )


def test_wide_characters_take_two_columns_and_accents_none() -> None:
    assert drawn("012345 你好 e\u0301") == (
        "┌──────────────────┐\n"
        "│ To: +14155552671 │\n"
        "│ 012345 你好 e\u0301    │\n"
        "└──────────────────┘\n"
    )


def test_a_text_that_is_too_wide_is_broken_between_words() -> None:
    lines = drawn(TEXT, width=40).splitlines()

    assert len({columns_of(line) for line in lines}) == 1
    assert columns_of(lines[0]) <= 40
    assert " ".join(line[2:-2].strip() for line in lines[2:-1]) == TEXT


def test_the_code_stands_unbroken_however_narrow_the_terminal() -> None:
    for width in range(20, 100):
        assert "012345" in drawn(TEXT, width=width)


def test_the_text_stands_unbroken_where_there_is_room() -> None:
    assert f"│ {TEXT} │\n" in drawn(TEXT, width=500)


def test_each_line_of_the_text_has_a_line() -> None:
    lines = drawn("012345 is your code.\r\n\n@dial.test #012345").splitlines()

    assert [line.strip("│ ") for line in lines[2:-1]] == [
        "012345 is your code.", "", "@dial.test #012345",
    ]  # fmt: skip


def test_the_text_keeps_the_colors_of_the_terminal() -> None:
    lines = drawn(TEXT, colors=True).splitlines()

    assert f" {TEXT} " in lines[2]
    assert all(line.endswith("\x1b[0m") for line in lines)


@pytest.mark.parametrize(
    "steering", ["\x1b[2J", "\x07", "\x9b31m", "\x00", "\r", "\u202e", "\u2066", "\ud800", "\x08"]
)
def test_nothing_in_a_text_can_steer_the_terminal(steering: str) -> None:
    box = drawn(f"012345{steering} is your code")

    assert steering not in box
    assert "012345" in box


def test_joiners_that_scripts_need_stay() -> None:
    assert "👩\u200d🚀 क्\u200dष" in drawn("👩\u200d🚀 क्\u200dष")


@given(
    st.text(),
    st.integers(min_value=20, max_value=200),
    st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252", "shift_jis"]),
)
def test_any_text_fits_into_any_box_in_any_encoding(text: str, width: int, encoding: str) -> None:
    box = drawn(text, width=width, encoding=encoding)

    assert {columns_of(line) for line in box.splitlines()} == {columns_of(box.splitlines()[0])}
    assert columns_of(box.splitlines()[0]) <= width
    assert {unicodedata.category(one) for one in box} & {"Cc", "Cs", "Zl", "Zp"} <= {"Cc"}
    assert box.replace("\n", "").isprintable() or "\u200d" in box or "\u200c" in box
    assert box.encode(encoding)


@given(st.text("ab 你", max_size=200), st.integers(min_value=2, max_value=30))
def test_wrapping_loses_nothing_but_spaces(line: str, limit: int) -> None:
    rows = list(wrapped(line, limit))

    assert "".join(rows).replace(" ", "") == line.replace(" ", "")
    assert max(map(columns_of, rows)) <= limit
