"""What is used of a quota, which page is requested, and what is an idempotency key."""

import pytest

from domain.errors import InvalidCharacters, InvalidValue, TooLong, TooShort
from domain.features.media.item import ItemState, PageRequest
from domain.features.media.usage import (
    MAX_IDEMPOTENCY_KEY_LENGTH,
    MAX_SUBTRACTED,
    MediaUsage,
    Quota,
    parse_idempotency_key,
)
from tests.support.builders import NOW, an_id, made_id
from tests.support.media.builders import an_item


def test_a_repetition_of_each_step_changes_nothing() -> None:
    item, quota = an_item(id=made_id()), Quota()
    usage = MediaUsage(an_id(), bytes=10_000_000, items=10)

    reserved = usage.reserve(item.id, item.image.bytes, quota)
    confirmed = reserved.confirm(item.id)
    removed = confirmed.remove(item)

    assert reserved.reserve(item.id, item.image.bytes, quota) == reserved
    assert confirmed.confirm(item.id) == confirmed
    assert removed.remove(item) == removed
    assert (removed.used_bytes, removed.used_items) == (usage.used_bytes, usage.used_items)
    abandoned = reserved.remove(an_item(id=item.id, state=ItemState.PENDING))
    assert abandoned.remove(an_item(id=item.id, state=ItemState.PENDING)) == abandoned == usage


def test_the_record_stays_small_and_a_recount_forgets_what_was_subtracted() -> None:
    usage = MediaUsage(an_id(), bytes=10_000_000_000, items=1000)
    for number in range(2 * MAX_SUBTRACTED):
        usage = usage.remove(an_item(id=an_id(number)))

    assert usage.items == 1000 - 2 * MAX_SUBTRACTED
    assert len(usage.deleting) == MAX_SUBTRACTED
    assert usage.recount({}, [], NOW) == MediaUsage(usage.id)


def test_a_page_has_ten_items_unless_requested_and_at_most_a_hundred() -> None:
    requests = PageRequest(), PageRequest(3, 25), PageRequest(2, 1000)
    assert [request.page_size for request in requests] == [10, 25, 100]


@pytest.mark.parametrize("text", ["1", "~!9f6c-3c5a", "k" * MAX_IDEMPOTENCY_KEY_LENGTH])
def test_visible_ascii_characters_are_an_idempotency_key(text: str) -> None:
    assert parse_idempotency_key(text) == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", TooShort),
        ("k" * (MAX_IDEMPOTENCY_KEY_LENGTH + 1), TooLong),
        ("two words", InvalidCharacters),
        ("a\n", InvalidCharacters),
    ],
)
def test_another_text_is_no_idempotency_key(text: str, error: type[InvalidValue]) -> None:
    with pytest.raises(error):
        parse_idempotency_key(text)
