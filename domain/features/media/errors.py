"""Errors of the library."""

from enum import StrEnum

from domain.errors import DomainError, RateLimitExceeded


class TooManyPixels(RateLimitExceeded):
    """The identity has uploaded too many pixels in the last hour."""


class TooManyUploads(DomainError):
    """Too many uploads are in progress, and this one has no place. A retry may succeed."""


class NoUploadSpace(DomainError):
    """There is no space for this upload now; a retry may succeed."""


class QuotaExceeded(DomainError):
    """The library of the user has no space for the item."""

    def __init__(
        self, used_bytes: int, allowed_bytes: int, used_items: int, allowed_items: int
    ) -> None:
        super().__init__(
            f"The library is full: {used_bytes} of {allowed_bytes} bytes and {used_items} of"
            f" {allowed_items} items are used. Delete items, and try again."
        )
        self.used_bytes, self.allowed_bytes = used_bytes, allowed_bytes
        self.used_items, self.allowed_items = used_items, allowed_items


class UploadInProgress(DomainError):
    """Another upload with this idempotency key is under way."""


class ItemDeleted(DomainError):
    """The item of this idempotency key has been deleted since."""


class IdempotencyKeyReused(DomainError):
    """The idempotency key belongs to an upload of other bytes or fields."""


class ItemNotFound(DomainError):
    """There is no library item with this id, or no longer."""


class UnsupportedImageType(DomainError):
    """The bytes are no image of an accepted format; `detected` is their media type."""

    def __init__(self, detected: str) -> None:
        super().__init__()
        self.detected = detected


class InvalidImageReason(StrEnum):
    """Why an image is invalid."""

    BROKEN = "broken"
    EMPTY = "empty"
    TOO_COMPLEX = "too_complex"
    TOO_MANY_BLOCKS = "too_many_blocks"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_TOTAL_PIXELS = "too_many_total_pixels"


class InvalidImage(DomainError):
    """The file is empty, or an image that is broken or exceeds a limit; the message says why.

    `limit` is the number of blocks, bytes, frames or pixels that an image can have.
    """

    def __init__(
        self,
        message: str = "The image is broken.",
        reason: InvalidImageReason = InvalidImageReason.BROKEN,
        limit: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.limit = limit


class HdrNotSupported(InvalidImage):
    """The image has a transfer function of HDR, PQ or HLG: its colors are not those of displays."""

    def __init__(self) -> None:
        super().__init__("This is an HDR image. Save it without HDR, for example as a JPEG.")


class ItemSaveFailed(DomainError):
    """The database did not save the library item."""


class MediaFileNotFound(DomainError):
    """There is no media file with this storage key, or no longer."""
