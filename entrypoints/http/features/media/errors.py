"""Errors of the library in responses."""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import Annotated, Final

import msgspec

from application.ports.errors import (
    MediaFileRejected,
    MediaStorageFull,
    MediaStorageUnavailable,
    PortError,
)
from domain.features.media.errors import (
    HdrNotSupported,
    IdempotencyKeyReused,
    InvalidImage,
    InvalidImageReason,
    ItemDeleted,
    ItemNotFound,
    ItemSaveFailed,
    MediaFileNotFound,
    NoUploadSpace,
    QuotaExceeded,
    TooManyPixels,
    TooManyUploads,
    UnsupportedImageType,
    UploadInProgress,
)
from domain.features.media.item import MAX_TOTAL
from entrypoints.http.errors.exceptions import HttpError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import RETRY_AFTER, ApiError, ErrorRow
from entrypoints.http.fields import described


class MediaFieldCode(StrEnum):
    """The codes of invalid fields that only the library has."""

    PAGE_TOO_DEEP = "page_too_deep"
    MISSING_USER_ID = "missing_user_id"
    NO_FILE_PART = "no_file_part"
    NO_SELECTED_FILE = "no_selected_file"


class FormTooLarge(HttpError):
    """The form has too many parts, too large headers, or too many bytes besides the file."""


class FileTooLarge(HttpError):
    """The uploaded file is larger than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The file is larger than {limit} bytes.")
        self.limit = limit


class NoFilePart(HttpError):
    """The form has no file part named `file`."""


class NoSelectedFile(HttpError):
    """The part `file` of the form has an empty file name."""


class MissingUserId(HttpError):
    """The form has no `user_id`, or an empty one."""


class PageTooDeep(HttpError):
    """The page begins after the last item that pages by number reach."""


class MediaStorageNotResponding(HttpError):
    """The media store does not respond; a retry may succeed."""


class MediaStorageFailed(HttpError):
    """The media store did not store the file."""


class MediaStoreFull(HttpError):
    """The media store has no space for the file."""


class LibraryReadFailed(HttpError):
    """The database did not return the page of the library."""


class InvalidItemId(HttpError):
    """The text is not the id of a library item."""


class MediaErrorFields(msgspec.Struct):
    """Fields that only errors of the library have."""

    details: Annotated[
        str, described("What failed.", "The media store does not respond. Try again shortly.")
    ]
    detected: Annotated[str, described("The media type of the bytes.", "application/pdf")]
    reason: Annotated[
        str,
        described("Why the image is invalid.", "too_many_pixels", enum=[*InvalidImageReason]),
    ]
    limit: Annotated[
        int,
        described(
            "The number of blocks, bytes, frames or pixels that a file or its image can have."
            " Absent for `broken`, `empty` and `too_complex`.",
            50_000_000,
        ),
    ]
    used_bytes: Annotated[int, described("With uploads under way.", 4999990000)]
    allowed_bytes: Annotated[int, described("The quota.", 5000000000)]
    used_items: Annotated[int, described("With uploads under way.", 1200)]
    allowed_items: Annotated[int, described("The quota.", 10000)]


ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    # Library
    NoFilePart: ErrorRow(
        400, MediaFieldCode.NO_FILE_PART, "No file part", field="file", keeps_error=True
    ),
    NoSelectedFile: ErrorRow(
        400, MediaFieldCode.NO_SELECTED_FILE, "No selected file", field="file", keeps_error=True
    ),
    MissingUserId: ErrorRow(
        400, MediaFieldCode.MISSING_USER_ID, "Missing user_id", field="user_id", keeps_error=True
    ),
    InvalidItemId: ErrorRow(
        400, FieldErrorCode.INVALID_ID, "Invalid item id", field="item_id", keeps_error=True
    ),
    PageTooDeep: ErrorRow(
        400,
        MediaFieldCode.PAGE_TOO_DEEP,
        f"Pages by number end at {MAX_TOTAL} items. For later pages, send the next_cursor of a"
        " page as cursor, and omit page.",
        field="page",
    ),
    ItemNotFound: ErrorRow(404, "item_not_found", "Item not found"),
    MediaFileNotFound: ErrorRow(404, "not_found", "File not found"),
    FileTooLarge: ErrorRow(
        413,
        "file_too_large",
        "The file is too large.",
        example=partial(FileTooLarge, limit=20_000_000),
        attributes=("limit",),
    ),
    FormTooLarge: ErrorRow(
        413, "form_too_large", "The form has too many parts, or is too large besides the file."
    ),
    TooManyUploads: ErrorRow(
        503,
        "too_many_uploads",
        "Too many uploads are in progress. Wait until one of yours ends, and try again.",
        is_of_client=True,
    ),
    NoUploadSpace: ErrorRow(
        503, "unavailable", "There is no space for this upload now. Try again shortly."
    ),
    QuotaExceeded: ErrorRow(
        507,
        "quota_exceeded",
        "The library is full.",
        example=partial(QuotaExceeded, 0, 0, 0, 0),
        attributes=("used_bytes", "allowed_bytes", "used_items", "allowed_items"),
        is_of_client=True,
    ),
    UploadInProgress: ErrorRow(
        409,
        "upload_in_progress",
        "Another upload with this idempotency key is under way. Try again when it has ended.",
        retry_after=2,
    ),
    ItemDeleted: ErrorRow(
        410, "item_deleted", "The item of this idempotency key has been deleted since."
    ),
    IdempotencyKeyReused: ErrorRow(
        422,
        "idempotency_key_reused",
        "This idempotency key belongs to an upload of another file or other fields.",
    ),
    TooManyPixels: ErrorRow(
        429,
        "rate_limited",
        "You have uploaded too many pixels in the last hour. Wait, or upload smaller images.",
        example=partial(TooManyPixels, retry_after=1200),
    ),
    UnsupportedImageType: ErrorRow(
        415,
        "unsupported_image_type",
        "The file is not an image of an accepted format.",
        example=partial(UnsupportedImageType, "application/pdf"),
        attributes=("detected",),
    ),
    InvalidImage: ErrorRow(
        422,
        "invalid_image",
        "The image is broken or too large.",
        attributes=("reason", "limit"),
    ),
    HdrNotSupported: ErrorRow(422, "hdr_not_supported", HdrNotSupported().message),
    MediaStorageNotResponding: ErrorRow(
        503,
        "unavailable",
        "Failed to upload file to S3",
        details="The media store does not respond. Try again shortly.",
    ),
    MediaStorageFailed: ErrorRow(
        500,
        "storage_failed",
        "Failed to upload file to S3",
        details="The media store rejected the file.",
    ),
    MediaStoreFull: ErrorRow(
        507, "storage_full", "There is no space for the file. The operator has to make some."
    ),
    ItemSaveFailed: ErrorRow(
        500,
        "storage_failed",
        "Failed to save library item",
        retry_after=RETRY_AFTER,
        details="The database did not save the item. Try again shortly.",
    ),
    LibraryReadFailed: ErrorRow(
        500,
        "storage_failed",
        "Failed to fetch library items",
        retry_after=RETRY_AFTER,
        details="The database did not respond. Try again shortly.",
    ),
}
PORT_ERRORS: Final[Mapping[type[PortError], type[ApiError]]] = {
    MediaStorageUnavailable: MediaStorageNotResponding,
    MediaFileRejected: MediaStorageFailed,
    MediaStorageFull: MediaStoreFull,
}
