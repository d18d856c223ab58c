"""An item is pending, then ready, then doomed; never ready too late."""

from datetime import timedelta

from domain.media.image import MediaKind
from domain.media.item import (
    FILE_DELETION_DELAY,
    STORAGE_KEY_BYTES,
    UPLOAD_TIMEOUT,
    ItemState,
    make_storage_key,
)
from tests.support.builders import NOW, a_gif, an_item

TICK = timedelta(milliseconds=1)


def test_a_pending_item_is_not_shown() -> None:
    assert not an_item(state=ItemState.PENDING).is_ready


def test_a_pending_item_is_published_within_its_lease() -> None:
    pending = an_item(state=ItemState.PENDING)
    published = pending.mark_ready(NOW + timedelta(minutes=10) - TICK)
    assert published is not None
    assert published.is_ready


def test_a_pending_item_is_not_published_after_its_lease_of_ten_minutes() -> None:
    assert an_item(state=ItemState.PENDING).mark_ready(NOW + timedelta(minutes=10)) is None


def test_only_a_pending_item_is_published() -> None:
    assert an_item(state=ItemState.READY).mark_ready(NOW) is None
    assert an_item(state=ItemState.DELETING).mark_ready(NOW) is None


def test_an_upload_is_abandoned_exactly_when_it_cannot_be_published_any_more() -> None:
    pending = an_item(state=ItemState.PENDING)
    assert not pending.is_upload_expired(NOW + UPLOAD_TIMEOUT - TICK)
    assert pending.is_upload_expired(NOW + UPLOAD_TIMEOUT)
    assert not an_item(state=ItemState.READY).is_upload_expired(NOW + UPLOAD_TIMEOUT)


def test_a_doomed_item_is_not_shown() -> None:
    doomed = an_item().mark_for_deletion(NOW)
    assert doomed.state is ItemState.DELETING
    assert not doomed.is_ready


def test_an_item_is_doomed_once() -> None:
    doomed = an_item().mark_for_deletion(NOW)
    assert doomed.mark_for_deletion(NOW + UPLOAD_TIMEOUT) == doomed


def test_the_second_look_comes_after_the_longest_upload() -> None:
    assert FILE_DELETION_DELAY > UPLOAD_TIMEOUT


def test_a_label_changes_nothing_else() -> None:
    labelled = an_item().categorize("Party")
    assert labelled.category == "Party"
    assert labelled.categorize(None) == an_item()


def test_its_kind_is_what_its_bytes_are() -> None:
    assert an_item().kind is MediaKind.IMAGE
    assert a_gif().kind is MediaKind.GIF


def test_a_key_is_all_the_randomness_and_a_suffix() -> None:
    random = bytes(range(STORAGE_KEY_BYTES))
    assert STORAGE_KEY_BYTES >= 16
    assert make_storage_key(random, ".png") == f"{random.hex()}.png"
