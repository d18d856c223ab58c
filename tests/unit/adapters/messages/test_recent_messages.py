"""The messages that the page at `/` may show are few, and kept for five minutes."""

from adapters.messages.terminal import MAX_MESSAGES, MESSAGE_TTL, InMemoryRecentMessages


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
