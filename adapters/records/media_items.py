"""The stored form of the library's items."""

from datetime import datetime
from typing import Final

from adapters.records.mapping import Record, RecordMapping
from domain.media.image import Image, MediaKind
from domain.media.item import ItemState, MediaItem, Variant


class MediaItemRecord(Record, kw_only=True):
    """An item of the library. `kind` and `cleanup_at` follow from other fields."""

    id: str
    storage_key: str
    owner_id: str
    kind: MediaKind
    image: Image
    created_at: datetime
    state: ItemState
    upload_deadline: datetime
    category: str | None = None
    deletion_requested_at: datetime | None = None
    cleanup_at: datetime | None = None
    variants: tuple[Variant, ...] = ()
    unused_keys: tuple[str, ...] = ()
    has_been_ready: bool = False


MEDIA_ITEMS: Final = RecordMapping("media_items", MediaItemRecord, MediaItem)
