"""A library item: its states, its category and its files, and what is used of a quota."""

from dataclasses import replace

import pytest

from domain.errors import InvalidCharacters, InvalidValue, TooLong, TooShort
from domain.features.media.image import Image, ImageFormat, VariantSpec
from domain.features.media.item import (
    STORAGE_KEY_BYTES,
    UPLOAD_TIMEOUT,
    ItemState,
    PageRequest,
    Variant,
    make_storage_key,
    parse_category,
    parse_storage_key,
)
from domain.features.media.usage import (
    MAX_IDEMPOTENCY_KEY_LENGTH,
    MAX_SUBTRACTED,
    MediaUsage,
    Quota,
    parse_idempotency_key,
)
from tests.support.builders import NOW, an_id, made_id
from tests.support.media.builders import an_item


def test_only_a_pending_item_becomes_ready() -> None:
    for state in set(ItemState) - {ItemState.PENDING}:
        assert an_item(state=state).mark_ready(NOW) is None


def test_an_item_that_is_being_deleted_is_not_shown_and_keeps_its_time_of_deletion() -> None:
    deleting = an_item().mark_for_deletion(NOW)
    assert (deleting.state, deleting.is_ready) == (ItemState.DELETING, False)
    assert deleting.mark_for_deletion(NOW + UPLOAD_TIMEOUT) == deleting
    refused = deleting.mark_deletion_refused()
    assert (refused.state, refused.is_ready) == (ItemState.DELETION_REFUSED, False)
    assert refused.mark_for_deletion(NOW) == deleting


def test_a_hidden_item_is_not_shown_and_keeps_its_files() -> None:
    hidden = an_item().hide()
    assert (hidden.is_ready, hidden.is_hidden, hidden.has_files) == (False, True, True)
    assert hidden.unhide() == an_item()
    assert not an_item().mark_for_deletion(NOW).has_files


def test_a_thumbnail_is_the_smallest_variant_that_looks_like_the_image() -> None:
    def variant(size: str, width: int, length: int) -> Variant:
        return Variant(size, size, size, Image(ImageFormat.WEBP, width, width // 2, length))

    thumb, large = variant("320x320", 320, 9_000), variant("800x800", 800, 40_000)
    stretched, tiny = variant("256x256!", 256, 4_000), variant("32x32", 32, 500)
    assert an_item(variants=(large, stretched, tiny, thumb)).thumbnail == thumb
    plain = an_item(variants=(stretched, tiny))
    assert plain.thumbnail == plain


def test_a_storage_key_is_random_and_names_its_item() -> None:
    random = bytes(range(STORAGE_KEY_BYTES))
    assert STORAGE_KEY_BYTES >= 16
    storage_key = make_storage_key(an_id(), random, ".png")
    assert storage_key == f"00/{an_id()}-{random.hex()}.png"
    assert parse_storage_key(storage_key) == an_id()
    assert parse_storage_key(storage_key + "\n") is None


def test_an_item_knows_all_its_files_until_they_are_deleted() -> None:
    specs = [VariantSpec("led", 64, 64, is_exact=True)]
    assert an_item().has_variants([])
    assert not an_item().has_variants(specs)
    image = Image(ImageFormat.WEBP, 64, 64, 900)
    led, former = (
        Variant("led", size, make_storage_key(an_id(), bytes(16), ".webp", specs[0]), image)
        for size in ("64x64!", "32x32!")
    )
    assert led.storage_key == f"00/{an_id()}-64x64-{0:032x}.webp"
    assert parse_storage_key(led.storage_key) == an_id()
    former = replace(former, storage_key="former")
    item = an_item(variants=(former,)).with_unused_keys(led.storage_key)
    assert item.storage_keys == (item.storage_key, "former", led.storage_key)
    assert item.find_image(led.storage_key) is None
    item = item.replace_variants((led,))
    assert item.storage_keys == (item.storage_key, led.storage_key, "former")
    assert item.find_image(led.storage_key) == led.image
    assert not item.has_variants(specs)
    assert item.with_unused_keys().has_variants(specs)


def test_a_category_stays_exactly_as_sent_or_the_error_says_why_it_is_invalid() -> None:
    for text in ("", " ", "Party  ", "e\u0308", "ﬁ", "\ttab", "🎉" * 64, "a" * 64):
        assert parse_category(text) == text
    for text, message in (
        ("a" * 65, "A category has at most 64 characters."),
        ("a\u0000", "A category has no NUL and no half of a character."),
        (chr(0xD800), "A category has no NUL and no half of a character."),
    ):
        with pytest.raises(InvalidValue) as error:
            parse_category(text)
        assert error.value.message == message


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
    assert len(usage.subtracted_ids) == MAX_SUBTRACTED
    assert usage.recount({}, [], NOW) == MediaUsage(usage.id)


def test_a_page_has_ten_items_unless_requested_and_at_most_a_hundred() -> None:
    requests = PageRequest(), PageRequest(3, 25), PageRequest(2, 1000)
    assert [request.page_size for request in requests] == [10, 25, 100]


def test_visible_ascii_characters_are_an_idempotency_key() -> None:
    for text in ("1", "~!9f6c-3c5a", "k" * MAX_IDEMPOTENCY_KEY_LENGTH):
        assert parse_idempotency_key(text) == text
    for text, error in (
        ("", TooShort),
        ("k" * (MAX_IDEMPOTENCY_KEY_LENGTH + 1), TooLong),
        ("two words", InvalidCharacters),
        ("a\n", InvalidCharacters),
    ):
        with pytest.raises(error):
            parse_idempotency_key(text)
