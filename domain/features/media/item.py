"""A library item, its states, and pages of items."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.errors import InvalidCharacters, TooLong
from domain.features.media.image import Image, MediaKind, VariantSpec
from domain.identifier import require_identifier

UPLOAD_TIMEOUT: Final = timedelta(minutes=10)
"""Maximum time of an upload, from the end of its request body to its last byte in the store."""
FILE_DELETION_DELAY: Final = timedelta(hours=1)
"""When a deleted item's file is deleted again: after any upload that was still running."""
STORAGE_KEY_BYTES: Final = 16
STORAGE_FOLDER_PATTERN: Final = r"^[0-9a-f]{2}$"
STORAGE_NAME_PATTERN: Final = (
    r"^[0-9a-f]{24}-(?:[0-9]{1,4}x[0-9]{1,4}-)?[0-9a-f]{32}\.(?:gif|jpg|png|webp)$"
)
_STORAGE_KEY: Final = re.compile(f"{STORAGE_FOLDER_PATTERN[:-1]}/{STORAGE_NAME_PATTERN[1:]}")
MAX_CATEGORY_LENGTH: Final = 64
CATEGORY_PATTERN: Final = r"^[^\x00]*$"
_CATEGORY: Final = re.compile(CATEGORY_PATTERN)
_HALF_OF_CHARACTER: Final = re.compile(r"[\ud800-\udfff]")
"""JSON and forms cannot have it, other files of an import can."""
MIN_THUMBNAIL_SIZE: Final = 128
"""Pixels of its longer side."""


class ItemState(StrEnum):
    """The states: pending → ready → deleting → gone, or pending → deleting → gone.

    Administrators turn a ready item into a hidden one and back, and delete both. An item whose file
    the store refused to delete is in DELETION_REFUSED until a retry succeeds.
    """

    PENDING = "pending"
    READY = "ready"
    HIDDEN = "hidden"
    DELETING = "deleting"
    DELETION_REFUSED = "deletion_refused"


@dataclass(frozen=True, slots=True)
class Variant:
    """A smaller copy of an item's image; `size` is that of its `VariantSpec`."""

    name: str
    size: str
    storage_key: str
    image: Image


@dataclass(frozen=True, slots=True)
class MediaItem:
    """An image in the library of its owner.

    The service makes the `storage_key`, the file's name in the media store. It cannot be guessed
    and never contains a client's file name. It contains the item's id, which finds the item.
    `unused_keys` are those of files that do not belong to the item yet, or no longer.
    `has_been_ready` tells a deleted item from an upload that failed.
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
    variants: tuple[Variant, ...] = ()
    unused_keys: tuple[str, ...] = ()
    has_been_ready: bool = False

    def __post_init__(self) -> None:
        require_identifier(self.id)
        require_identifier(self.owner_id)

    @property
    def storage_keys(self) -> tuple[str, ...]:
        """The storage keys of all files that may exist for the item."""
        variants = (variant.storage_key for variant in self.variants)
        return (self.storage_key, *variants, *self.unused_keys)

    def find_image(self, storage_key: str) -> Image | None:
        images = {variant.storage_key: variant.image for variant in self.variants}
        return self.image if storage_key == self.storage_key else images.get(storage_key)

    @property
    def kind(self) -> MediaKind:
        return self.image.format.kind

    @property
    def is_ready(self) -> bool:
        return self.state is ItemState.READY

    @property
    def is_hidden(self) -> bool:
        return self.state is ItemState.HIDDEN

    @property
    def has_files(self) -> bool:
        """Whether its files are in the store and stay there: it is ready, or hidden."""
        return self.is_ready or self.is_hidden

    @property
    def thumbnail(self) -> "Variant | MediaItem":
        """What shows the image in a list of many.

        It is the smallest variant with the proportions of the image that has enough pixels, or the
        item itself.
        """
        suitable = [
            variant
            for variant in self.variants
            if not variant.size.endswith("!")
            and max(variant.image.width, variant.image.height) >= MIN_THUMBNAIL_SIZE
        ]
        return min(suitable, key=lambda variant: variant.image.bytes, default=self)

    def mark_ready(self, now: datetime) -> "MediaItem | None":
        """Return the item with its file stored, or None after the upload deadline."""
        if self.state is not ItemState.PENDING or now >= self.upload_deadline:
            return None
        return replace(self, state=ItemState.READY, has_been_ready=True)

    def hide(self) -> "MediaItem":
        return replace(self, state=ItemState.HIDDEN)

    def unhide(self) -> "MediaItem":
        return replace(self, state=ItemState.READY)

    def categorize(self, category: str | None) -> "MediaItem":
        return replace(self, category=category)

    def has_variants(self, specs: Sequence[VariantSpec]) -> bool:
        """Return whether the item has these variants, and no file that is not used."""
        present = {(variant.name, variant.size) for variant in self.variants}
        return not self.unused_keys and present == {(spec.name, spec.size) for spec in specs}

    def replace_variants(self, variants: tuple[Variant, ...]) -> "MediaItem":
        """Return the item with these variants, and the former ones as unused files."""
        used = {variant.storage_key for variant in variants}
        former = (*(variant.storage_key for variant in self.variants), *self.unused_keys)
        unused_keys = tuple(key for key in former if key not in used)
        return replace(self, variants=variants, unused_keys=unused_keys)

    def with_unused_keys(self, *storage_keys: str) -> "MediaItem":
        return replace(self, unused_keys=storage_keys)

    def mark_for_deletion(self, now: datetime) -> "MediaItem":
        """Return the item as one that is being deleted and is no longer shown.

        If the store refused the deletion before, it counts from the first request.
        """
        return replace(
            self,
            state=ItemState.DELETING,
            deletion_requested_at=self.deletion_requested_at or now,
        )

    def mark_deletion_refused(self) -> "MediaItem":
        return replace(self, state=ItemState.DELETION_REFUSED)


def make_storage_key(
    item_id: str, random: bytes, suffix: str, spec: VariantSpec | None = None
) -> str:
    """Make a file's name of `STORAGE_KEY_BYTES` random bytes (ASVS 5.0 5.3.2).

    It begins with one of 256 folders, so that a million files are not in one. The key of a variant
    names its size.
    """
    name = random[:STORAGE_KEY_BYTES].hex()
    size = f"{spec.width}x{spec.height}-" if spec else ""
    return f"{name[:2]}/{item_id}-{size}{name}{suffix}"


def parse_storage_key(text: str) -> str | None:
    """Return the id of the item that the storage key belongs to; None if it is no storage key."""
    return text[3:27] if _STORAGE_KEY.fullmatch(text) else None


def parse_category(text: str) -> str:
    """Parse the label that an owner gives an item. It stays exactly as sent.

    Raises:
        TooLong: it is longer than 64 characters.
        InvalidCharacters: it cannot be stored.
    """
    if len(text) > MAX_CATEGORY_LENGTH:
        raise TooLong(f"A category has at most {MAX_CATEGORY_LENGTH} characters.")
    if not _CATEGORY.fullmatch(text) or _HALF_OF_CHARACTER.search(text):
        raise InvalidCharacters("A category has no NUL and no half of a character.")
    return text


MAX_TOTAL: Final = 10_000
"""Items that are counted, and that pages by number reach: counting and skipping cost time."""


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which ready items are listed, or which hidden ones. None stands for any."""

    owner_id: str | None = None
    kind: MediaKind | None = None
    category: str | None = None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page by its number, counted from 1. At most `MAX_PAGE_SIZE` items are on a page.

    Pages count from the newest item and end at `MAX_TOTAL` items. With `after`, only items after
    that cursor are listed, and the page is the first of them.
    """

    number: int = 1
    per_page: int = 10
    after: Cursor | None = None

    @property
    def page_size(self) -> int:
        return min(self.per_page, MAX_PAGE_SIZE)

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.page_size

    @property
    def is_too_deep(self) -> bool:
        """Whether only a cursor leads to this page."""
        return self.offset >= MAX_TOTAL
