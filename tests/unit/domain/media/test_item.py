"""An item is pending, then ready, then doomed; never ready too late."""

from datetime import timedelta

from domain.media.image import MediaKind
from domain.media.item import KEY_BYTES, LEASE, SECOND_LOOK, ItemState, item_key
from tests.builders import NOW, a_gif, an_item

TICK = timedelta(milliseconds=1)


def test_a_pending_item_is_not_shown() -> None:
    assert not an_item(state=ItemState.PENDING).is_ready


def test_a_pending_item_is_published_within_its_lease() -> None:
    pending = an_item(state=ItemState.PENDING)
    published = pending.published(NOW + timedelta(minutes=10) - TICK)
    assert published is not None
    assert published.is_ready


def test_a_pending_item_is_not_published_after_its_lease_of_ten_minutes() -> None:
    assert an_item(state=ItemState.PENDING).published(NOW + timedelta(minutes=10)) is None


def test_only_a_pending_item_is_published() -> None:
    assert an_item(state=ItemState.READY).published(NOW) is None
    assert an_item(state=ItemState.DOOMED).published(NOW) is None


def test_an_upload_is_abandoned_exactly_when_it_cannot_be_published_any_more() -> None:
    pending = an_item(state=ItemState.PENDING)
    assert not pending.was_abandoned(NOW + LEASE - TICK)
    assert pending.was_abandoned(NOW + LEASE)
    assert not an_item(state=ItemState.READY).was_abandoned(NOW + LEASE)


def test_a_doomed_item_is_not_shown() -> None:
    doomed = an_item().doomed_at(NOW)
    assert doomed.state is ItemState.DOOMED
    assert not doomed.is_ready


def test_an_item_is_doomed_once() -> None:
    doomed = an_item().doomed_at(NOW)
    assert doomed.doomed_at(NOW + LEASE) == doomed


def test_the_second_look_comes_after_the_longest_upload() -> None:
    assert SECOND_LOOK > LEASE


def test_a_label_changes_nothing_else() -> None:
    labelled = an_item().categorised("Party")
    assert labelled.category == "Party"
    assert labelled.categorised(None) == an_item()


def test_its_kind_is_what_its_bytes_are() -> None:
    assert an_item().kind is MediaKind.IMAGE
    assert a_gif().kind is MediaKind.GIF


def test_a_key_is_all_the_randomness_and_a_suffix() -> None:
    random = bytes(range(KEY_BYTES))
    assert KEY_BYTES >= 16
    assert item_key(random, ".png") == f"{random.hex()}.png"
