"""A message in a box, as a terminal shows it, and as the page at `/` may show it."""

from rich.cells import cell_len

from adapters.messages.terminal import (
    MAX_MESSAGES,
    MESSAGE_TTL,
    InMemoryRecentMessages,
    render_box,
)

TEXT = "012345 is your Dialtone code. It works once, for 5 minutes. Do not share it with anyone."


def render(text: str, *, width: int = 100, encoding: str = "utf-8", colors: bool = False) -> str:
    return render_box("+14155552671", text, width=width, encoding=encoding, has_colors=colors)


def test_no_text_controls_the_terminal_or_is_wider_than_it() -> None:
    box = render(f"\x1b[2J\x07\x9b31m\x00\r\u202e\u2066\ud800\x08{TEXT}", width=40)

    [width] = {cell_len(line) for line in box.splitlines()}
    assert width <= 40
    assert box.replace("\n", "").isprintable()


def test_a_message_is_kept_for_five_minutes() -> None:
    seconds = 0.0
    messages = InMemoryRecentMessages(lambda: seconds)
    messages.add("request", "Your code is 123456.")
    assert messages.find("another request") is None
    seconds = MESSAGE_TTL.total_seconds() - 1
    assert messages.find("request") == "Your code is 123456."
    seconds += 1
    assert messages.find("request") is None


def test_the_oldest_message_makes_room_for_the_next_one() -> None:
    messages = InMemoryRecentMessages()
    for number in range(MAX_MESSAGES + 1):
        messages.add(str(number), "text")
    assert messages.find("0") is None
    assert messages.find("1") == "text"
