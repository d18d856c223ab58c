"""What a user has in the library, and the keys of uploads."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from domain.errors import InvalidCharacters, TooLong, TooShort
from domain.features.media.errors import QuotaExceeded
from domain.features.media.item import UPLOAD_TIMEOUT, MediaItem
from domain.identifier import identifier_time

PENDING_TIMEOUT: Final = UPLOAD_TIMEOUT + timedelta(minutes=5)
"""How long an upload is pending at most. The clocks of two instances may differ."""
MAX_ITEMS: Final = 10_000
"""Items per user. Tiny images use up few bytes, but each has a record and files of its own."""
MAX_SUBTRACTED: Final = 100
"""A recount forgets these items, at the latest when the cleanup deletes the record of one."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What one user may have in the library: bytes of published files, and items."""

    max_bytes: int = 5_000_000_000
    max_items: int = MAX_ITEMS


@dataclass(frozen=True, slots=True)
class MediaUsage:
    """What one user has in the library.

    Each change is keyed by the id of an item. An item is in at most one of `pending` and the sums.

    Attributes:
        bytes: Bytes of the published files of counted items, without their variants.
        pending: Uploads that are under way: the id of the item, and its bytes.
        subtracted_ids: Items that are not counted any more: those that were being deleted at the
            last count, and up to `MAX_SUBTRACTED` that were subtracted since.
    """

    id: str
    bytes: int = 0
    items: int = 0
    pending: Mapping[str, int] = field(default_factory=dict)
    subtracted_ids: tuple[str, ...] = ()

    @property
    def used_bytes(self) -> int:
        """Bytes of counted items and of uploads that are under way."""
        return self.bytes + sum(self.pending.values())

    @property
    def used_items(self) -> int:
        """The number of counted items and of uploads that are under way."""
        return self.items + len(self.pending)

    @property
    def recount_at(self) -> datetime | None:
        """When an upload that is still pending has failed; None if there is none."""
        return min(map(_pending_until, self.pending), default=None)

    def check(self, quota: Quota, more_bytes: int = 1) -> None:
        """Check whether one more item of this size is within the quota.

        Raises:
            QuotaExceeded
        """
        if self.used_bytes + more_bytes > quota.max_bytes or self.used_items >= quota.max_items:
            raise QuotaExceeded(
                used_bytes=self.used_bytes,
                allowed_bytes=quota.max_bytes,
                used_items=self.used_items,
                allowed_items=quota.max_items,
            )

    def reserve(self, item_id: str, size: int, quota: Quota) -> "MediaUsage":
        if item_id in self.pending:
            return self
        self.check(quota, size)
        return replace(self, pending={**self.pending, item_id: size})

    def confirm(self, item_id: str) -> "MediaUsage":
        if item_id not in self.pending:
            return self
        size = self.pending[item_id]
        usage = self._without_pending(item_id)
        return replace(usage, bytes=self.bytes + size, items=self.items + 1)

    def remove(self, item: MediaItem) -> "MediaUsage":
        """Return the usage without an item, as it was before it was marked for deletion."""
        if item.id in self.pending:
            return self._without_pending(item.id)
        if item.id in self.subtracted_ids or not item.has_files:
            return self
        # After that many, only the state of the item prevents that it is subtracted twice.
        subtracted = (item.id,) if len(self.subtracted_ids) < MAX_SUBTRACTED else ()
        return replace(
            self,
            bytes=max(self.bytes - item.image.bytes, 0),
            items=max(self.items - 1, 0),
            subtracted_ids=(*self.subtracted_ids, *subtracted),
        )

    def recount(
        self, stored: Mapping[str, int], deleting: Collection[str], now: datetime
    ) -> "MediaUsage":
        """Return the usage counted anew. Uploads within their deadline stay pending.

        `stored` has the bytes of all ready and hidden items, by id. `deleting` are the items that
        were marked for deletion a short time ago, listed after `stored`: they may not be removed
        here yet.
        """
        pending = {key: size for key, size in self.pending.items() if now < _pending_until(key)}
        counted = [size for item_id, size in stored.items() if item_id not in pending]
        left_out = tuple(sorted(set(deleting) - stored.keys() - pending.keys()))
        return MediaUsage(self.id, sum(counted), len(counted), pending, left_out)

    def _without_pending(self, item_id: str) -> "MediaUsage":
        return replace(
            self, pending={key: size for key, size in self.pending.items() if key != item_id}
        )


def _pending_until(item_id: str) -> datetime:
    return identifier_time(item_id) + PENDING_TIMEOUT


IDEMPOTENCY_KEY_TTL: Final = timedelta(hours=24)
MAX_IDEMPOTENCY_KEY_LENGTH: Final = 255
IDEMPOTENCY_KEY_PATTERN: Final = "^[!-~]+$"
_KEY: Final = re.compile(IDEMPOTENCY_KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The key of one upload.

    Attributes:
        id: A hash of the uploader and of the key that the client sent.
        fingerprint: A hash of the bytes and fields.
        upload_deadline: When an upload that is not complete has failed.
        expires_at: When the key may be used for another upload.
    """

    id: str
    fingerprint: str
    item_id: str
    upload_deadline: datetime
    expires_at: datetime
    is_complete: bool = False

    def complete(self) -> "IdempotencyKey":
        return replace(self, is_complete=True)


def parse_idempotency_key(text: str) -> str:
    """Parse the header `Idempotency-Key`: any visible ASCII characters.

    Raises:
        TooShort, TooLong
        InvalidCharacters
    """
    if not text:
        raise TooShort("An idempotency key has at least one character.")
    if len(text) > MAX_IDEMPOTENCY_KEY_LENGTH:
        raise TooLong(f"An idempotency key has at most {MAX_IDEMPOTENCY_KEY_LENGTH} characters.")
    if not _KEY.fullmatch(text):
        raise InvalidCharacters("An idempotency key has visible ASCII characters only.")
    return text


def hash_texts(*texts: str | None) -> str:
    """Return a hash that differs for any other texts, and in which no text can be read."""
    digest = sha256()
    for text in texts:
        encoded = b"" if text is None else text.encode()
        digest.update(b"%d:%d:" % (text is not None, len(encoded)) + encoded)
    return digest.hexdigest()
