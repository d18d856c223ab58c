"""Builders of items of the library."""

from dataclasses import replace
from typing import Any

from domain.features.media.image import Image, ImageFormat
from domain.features.media.item import UPLOAD_TIMEOUT, ItemState, MediaItem
from tests.support.builders import NOW, an_id


def an_item(**changes: Any) -> MediaItem:
    """Return a JPEG that was created now and is ready. Its storage key contains its id."""
    item_id = changes.get("id", an_id())
    item = MediaItem(
        id=item_id,
        owner_id=an_id(),
        storage_key=f"0f/{item_id}-{0:032x}.jpg",
        image=Image(ImageFormat.JPEG, width=640, height=480, bytes=51_200),
        category=None,
        created_at=NOW,
        state=ItemState.READY,
        upload_deadline=NOW + UPLOAD_TIMEOUT,
    )
    return replace(item, **changes)


def a_gif(**changes: Any) -> MediaItem:
    """Return a GIF that was created now and is ready."""
    return an_item(image=Image(ImageFormat.GIF, width=64, height=64, bytes=4096), **changes)
