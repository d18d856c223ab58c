"""A library item and its states."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.media.image import Image, MediaKind

LEASE: Final = timedelta(minutes=10)
"""How long an upload may take from its record to its last byte in the store."""
SECOND_LOOK: Final = timedelta(hours=1)
"""When a doomed file is removed once more: after any upload that was still under way."""
KEY_BYTES: Final = 16


class ItemState(StrEnum):
    """pending → ready → doomed → gone; a pending one may be doomed, never finished late."""

    PENDING = "pending"
    READY = "ready"
    DOOMED = "doomed"


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One picture of somebody's library; `key` is its file's name in the media store.

    The key is made by us and cannot be guessed; a client's file name is never in it.
    """

    id: str
    owner: str
    key: str
    picture: Image
    category: str | None
    created: datetime
    state: ItemState
    lease_until: datetime
    doomed: datetime | None = None

    @property
    def kind(self) -> MediaKind:
        """What the bytes are."""
        return self.picture.format.kind

    @property
    def is_ready(self) -> bool:
        """Whether it may be shown."""
        return self.state is ItemState.READY

    def published(self, now: datetime) -> "MediaItem | None":
        """The item with its file in the store, or None when its lease is over."""
        if self.state is not ItemState.PENDING or now >= self.lease_until:
            return None
        return replace(self, state=ItemState.READY)

    def categorised(self, category: str | None) -> "MediaItem":
        """The item with another label."""
        return replace(self, category=category)

    def doomed_at(self, now: datetime) -> "MediaItem":
        """The item on its way out; it is not shown any more."""
        return replace(self, state=ItemState.DOOMED, doomed=self.doomed or now)

    def was_abandoned(self, now: datetime) -> bool:
        """Whether its upload never came to an end and can no longer."""
        return self.state is ItemState.PENDING and now >= self.lease_until


def item_key(random: bytes, suffix: str) -> str:
    """Name a file by `KEY_BYTES` of randomness (ASVS 5.0 5.3.2: no name from outside)."""
    return f"{random[:KEY_BYTES].hex()}{suffix}"
