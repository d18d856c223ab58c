"""A library item and its states."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.media.image import Image, MediaKind

UPLOAD_TIMEOUT: Final = timedelta(minutes=10)
"""How long an upload may take from its record to its last byte in the store."""
FILE_DELETION_DELAY: Final = timedelta(hours=1)
"""When a doomed file is removed once more: after any upload that was still under way."""
STORAGE_KEY_BYTES: Final = 16


class ItemState(StrEnum):
    """pending → ready → doomed → gone; a pending one may be doomed, never finished late."""

    PENDING = "pending"
    READY = "ready"
    DELETING = "doomed"


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One picture of somebody's library; `key` is its file's name in the media store.

    The key is made by us and cannot be guessed; a client's file name is never in it.
    """

    id: str
    owner_id: str
    storage_key: str
    image: Image
    category: str | None
    created_at: datetime
    state: ItemState
    upload_deadline: datetime
    deletion_requested_at: datetime | None = None

    @property
    def kind(self) -> MediaKind:
        """What the bytes are."""
        return self.image.format.kind

    @property
    def is_ready(self) -> bool:
        """Whether it may be shown."""
        return self.state is ItemState.READY

    def mark_ready(self, now: datetime) -> "MediaItem | None":
        """The item with its file in the store, or None when its lease is over."""
        if self.state is not ItemState.PENDING or now >= self.upload_deadline:
            return None
        return replace(self, state=ItemState.READY)

    def categorize(self, category: str | None) -> "MediaItem":
        """The item with another label."""
        return replace(self, category=category)

    def mark_for_deletion(self, now: datetime) -> "MediaItem":
        """The item on its way out; it is not shown any more."""
        return replace(
            self, state=ItemState.DELETING, deletion_requested_at=self.deletion_requested_at or now
        )

    def is_upload_expired(self, now: datetime) -> bool:
        """Whether its upload never came to an end and can no longer."""
        return self.state is ItemState.PENDING and now >= self.upload_deadline


def make_storage_key(random: bytes, suffix: str) -> str:
    """Name a file by `KEY_BYTES` of randomness (ASVS 5.0 5.3.2: no name from outside)."""
    return f"{random[:STORAGE_KEY_BYTES].hex()}{suffix}"
