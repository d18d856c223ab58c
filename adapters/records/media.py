"""The stored form of the library: items, what users have in it, and idempotency keys."""

from datetime import datetime
from typing import Literal

import msgspec

from adapters.records.record_kind import Record


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
    """An item of the library. `kind` follows from its image."""

    id: str
    storage_key: str
    owner_id: str
    kind: Literal["image", "gif"]
    category: str | None = None
    image: ImageRecord
    created_at: datetime
    state: Literal["pending", "ready", "hidden", "deleting", "deletion_refused"]
    upload_deadline: datetime
    deletion_requested_at: datetime | None = None
    variants: tuple[VariantRecord, ...] = ()
    unused_keys: tuple[str, ...] = ()
    has_been_ready: bool = False


class MediaUsageRecord(Record, kw_only=True):
    """The usage of one user. `recount_at` follows from the ids in `pending`."""

    id: str
    bytes: int
    items: int
    pending: dict[str, int] = msgspec.field(default_factory=dict)
    deleting: tuple[str, ...] = ()
    recount_at: datetime | None = None


class IdempotencyKeyRecord(Record, kw_only=True):
    """The key of one upload."""

    id: str
    fingerprint: str
    item_id: str
    upload_deadline: datetime
    expires_at: datetime
    is_complete: bool = False
