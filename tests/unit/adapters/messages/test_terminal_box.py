"""A message in a box, as a terminal shows it."""

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from adapters.messages.terminal import render_box

TEXT = "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."
CONTROLS = "\x1b[2J\x07\x9b31m\x00\r\u202e\u2066\ud800\x08"


def render(text: str, *, width: int = 100, encoding: str = "utf-8", colors: bool = False) -> str:
    return render_box("+14155552671", text, width=width, encoding=encoding, has_colors=colors)


def test_a_box_shows_the_recipient_and_the_text_in_any_encoding() -> None:
    assert render("012345 is your code.\r\n\n@dial.test 👩\u200d🚀") == (
        "┌──────────────────────┐\n"
        "│ To: +14155552671     │\n"
        "│ 012345 is your code. │\n"
        "│                      │\n"
        "│ @dial.test 👩\u200d🚀        │\n"
        "└──────────────────────┘\n"
    )
    assert render("012345 für dich", encoding="ascii") == (
        "+--------------------+\n"
        "| To: +14155552671   |\n"
        "| 012345 f\\xfcr dich |\n"
        "+--------------------+\n"
    )
    # The text keeps the color of the terminal.
    assert f" {TEXT} " in render(TEXT, colors=True)


@settings(max_examples=40)
@example(f"{CONTROLS}012345", 100, "utf-8")
@given(
    st.text(),
    st.integers(min_value=20, max_value=200),
    st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252", "shift_jis"]),
)
def test_any_text_fits_into_any_box_in_any_encoding(text: str, width: int, encoding: str) -> None:
    box = render(text, width=width, encoding=encoding)

    assert {cell_len(line) for line in box.splitlines()} == {cell_len(box.splitlines()[0])}
    assert cell_len(box.splitlines()[0]) <= width
    categories = {unicodedata.category(character) for character in box}
    assert categories & {"Cc", "Cs", "Zl", "Zp"} <= {"Cc"}
    assert box.replace("\n", "").isprintable() or "\u200d" in box or "\u200c" in box
    assert box.encode(encoding)
