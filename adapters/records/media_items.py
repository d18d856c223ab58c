"""The stored form of the library's items."""

from datetime import datetime
from typing import Final, Literal

import msgspec

from adapters.records.mapping import Record, RecordMapping
from domain.media.item import MediaItem


class ImageRecord(msgspec.Struct, gc=False):
    """An image, in pixels and bytes."""

    format: Literal["jpeg", "png", "gif", "webp"]
    width: int
    height: int
    bytes: int


class VariantRecord(msgspec.Struct, gc=False):
    """A variant of an item's image."""

    name: str
    size: str
    storage_key: str
    image: ImageRecord


class MediaItemRecord(Record, kw_only=True):
    """An item of the library. `kind` and `cleanup_at` follow from other fields."""

    id: str
    storage_key: str
    owner_id: str
    kind: Literal["image", "gif"]
    image: ImageRecord
    created_at: datetime
    state: Literal["pending", "ready", "deleting", "deletion_refused"]
    upload_deadline: datetime
    category: str | None = None
    deletion_requested_at: datetime | None = None
    cleanup_at: datetime | None = None
    variants: tuple[VariantRecord, ...] = ()
    unused_keys: tuple[str, ...] = ()
    has_been_ready: bool = False


MEDIA_ITEMS: Final = RecordMapping("media_items", MediaItemRecord, MediaItem)
