"""The library and its media files."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import Provide
from litestar.params import JSONBody
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

from application.features.media.feature import MediaFeature
from application.features.media.media_urls import FileAccess
from application.features.media.upload_image import UploadImageCommand
from application.limits.file_reads import FileReads
from domain import errors
from domain.features.media import errors as media_errors
from domain.features.media.item import parse_category
from domain.features.media.usage import parse_idempotency_key
from domain.identifier import parse_identifier
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.media import library_schemas
from entrypoints.http.features.media.errors import (
    FileTooLarge,
    FormTooLarge,
    InvalidItemId,
    LibraryReadFailed,
    MediaStorageFailed,
    MediaStorageNotResponding,
    MediaStoreFull,
    MissingUserId,
    NoFilePart,
    NoSelectedFile,
    PageTooDeep,
)
from entrypoints.http.features.media.library_schemas import FILE_RESPONSES, UPLOAD_FORM
from entrypoints.http.features.media.settings import media_settings
from entrypoints.http.features.media.upload_form import MALFORMED_FORM, open_upload_form
from entrypoints.http.requests.auth import BEARER, AuthenticationMiddleware, authenticate
from entrypoints.http.requests.dependencies import Injected, provide_file_reads
from entrypoints.http.requests.headers import header_values
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import parse_id, parsing_field, repeated_field
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.preconditions import Validators
from entrypoints.http.responses.streaming import FileResponse

_PRIVATE_CACHE_CONTROL: Final = "private, no-cache"
"""Header of a file that a token opens: the next user of a browser has another token."""
_MEDIA_HEADERS: Final = {
    "Accept-Ranges": "bytes",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # A file that is opened as a page must not run or load anything.
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
_ACCESS_ERRORS: Final = (errors.Forbidden, errors.ReauthenticationRequired)
_CHANGE_ERRORS: Final = (
    InvalidItemId,
    media_errors.ItemNotFound,
    *_ACCESS_ERRORS,
    errors.TooManyActs,
    errors.AuditFailed,
)


class LibraryController(Controller):
    """Images of all users."""

    path = "/library"
    tags = ["Library"]
    opt = {"tag_description": "Upload images, and list, label and delete them."}
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @post(
        "/upload",
        summary="Upload an image",
        response_description="The image is in the library.",
        request_body=UPLOAD_FORM,
        # The form parser has its own limit, from the settings.
        request_max_body_size=None,
        unavailable_error=media_errors.ItemSaveFailed,
        errors=[
            NoFilePart,
            NoSelectedFile,
            MissingUserId,
            exceptions.InvalidUserId,
            exceptions.FieldError(
                "category", FieldErrorCode.TOO_LONG, "A category has at most 64 characters."
            ),
            MALFORMED_FORM,
            repeated_field("file"),
            *_ACCESS_ERRORS,
            errors.UserNotFound,
            exceptions.UnsupportedContentEncoding,
            exceptions.RequestTimeout,
            FileTooLarge,
            FormTooLarge,
            media_errors.UnsupportedImageType,
            media_errors.InvalidImage,
            media_errors.HdrNotSupported,
            MediaStorageFailed,
            MediaStorageNotResponding,
            MediaStoreFull,
            media_errors.TooManyPixels,
            media_errors.TooManyUploads,
            media_errors.NoUploadSpace,
            media_errors.QuotaExceeded,
            media_errors.UploadInProgress,
            media_errors.ItemDeleted,
            media_errors.IdempotencyKeyReused,
            errors.TooManyActs,
            errors.AuditFailed,
            errors.Unavailable,
        ],
    )
    async def upload_image(
        self,
        request: ApiRequest,
        media: Injected[MediaFeature],
        idempotency_key: library_schemas.IdempotencyKeyParameter = None,
    ) -> Response[library_schemas.UploadImageResponse]:
        """Upload a JPEG, PNG, WebP, GIF or HEIC image.

        The published image is encoded again, upright, in sRGB and without metadata. `type` in the
        response is the type of the bytes, regardless of what the client claimed. An animated GIF
        stays animated. The first frame of an animated PNG or WebP, or the first picture of a HEIF
        sequence, is published as an image.

        A user can have two uploads in progress. An upload slower than 32 kB/s ends with status 503
        when another one needs its place.

        With an `Idempotency-Key`, an upload can be repeated: the same key, file and fields return
        the same item within 24 hours. An upload that ended with an error has freed its key.
        """
        key = idempotency_key
        if len(header_values(request.scope, b"idempotency-key")) > 1:
            raise exceptions.InvalidFields(repeated_field("Idempotency-Key"))
        if key is not None:
            with parsing_field("Idempotency-Key"):
                key = parse_idempotency_key(key)
        async with open_upload_form(request, media.upload_limiter) as (file, fields):
            owner, category = _parse_fields(request, fields)
            command = UploadImageCommand(
                request.principal, owner, file, category, fields.get("type"), key
            )
            shown = await media.upload_image(command)
        body = library_schemas.to_item_response(shown, library_schemas.UploadImageResponse)
        location = request.settings.server.public_path(f"/library/{body.id}")
        return Response(body, headers={"Location": location})

    @get(
        summary="List library items",
        response_description="The page. It may be empty.",
        unavailable_error=LibraryReadFailed,
        errors=[library_schemas.PAGE_NUMBER.error, PageTooDeep, *_ACCESS_ERRORS],
    )
    async def list_library_items(
        self,
        *,
        request: ApiRequest,
        media: Injected[MediaFeature],
        page: library_schemas.PageParameter = None,
        per_page: library_schemas.PageSizeParameter = None,
        user_id: library_schemas.OwnerParameter = None,
        item_type: library_schemas.TypeParameter = None,
        category: library_schemas.CategoryParameter = None,
        cursor: library_schemas.LibraryCursorParameter = None,
    ) -> library_schemas.LibraryPageResponse:
        """List items, the newest first: of all users, or of the own ones if the service is so set.

        Request the next page by number or by cursor: send `next_cursor` until it is null. Pages
        by number end at 10,000 items; cursors lead to all. With a cursor, no item is repeated or
        skipped when items are uploaded or deleted meanwhile, and late pages are as fast as the
        first. Send the same other parameters with each request. A page may have fewer items than
        `per_page`, even none, and not be the last. Items are counted only without a cursor.
        """
        item_filter, page_request = library_schemas.parse_list_parameters(
            page, per_page, cursor, user_id, item_type, category
        )
        found = await media.list_items(request.principal, item_filter, page_request)
        return library_schemas.to_page_response(found)

    @get(
        "/{item_id:str}",
        summary="Get a library item",
        response_description="The item.",
        errors=[
            InvalidItemId,
            media_errors.ItemNotFound,
            errors.ReauthenticationRequired,
        ],
    )
    async def get_library_item(
        self, request: ApiRequest, media: Injected[MediaFeature], item_id: IdParameter
    ) -> library_schemas.LibraryItemResponse:
        """Return an item."""
        shown = await media.get_item(request.principal, _parse_item_id(item_id))
        return library_schemas.to_item_response(shown, library_schemas.LibraryItemResponse)

    @patch(
        "/{item_id:str}",
        summary="Change the label of a library item",
        response_description="The item, with its new label.",
        errors=_CHANGE_ERRORS,
    )
    async def update_library_item(
        self,
        request: ApiRequest,
        media: Injected[MediaFeature],
        item_id: IdParameter,
        data: JSONBody[library_schemas.UpdateLibraryItemBody],
    ) -> library_schemas.LibraryItemResponse:
        """Change the label of an item. Only the owner and who moderates may do this."""
        category = _parse_category(data.category)
        item = _parse_item_id(item_id)
        shown = await media.categorize_item(request.principal, item, category)
        return library_schemas.to_item_response(shown, library_schemas.LibraryItemResponse)

    @delete(
        "/{item_id:str}",
        summary="Delete a library item",
        response_description="The item is deleted.",
        errors=_CHANGE_ERRORS,
    )
    async def delete_library_item(
        self, request: ApiRequest, media: Injected[MediaFeature], item_id: IdParameter
    ) -> None:
        """Delete an item; its URL stops working at once.

        If the media store does not delete the file, a presigned URL works until it does: the
        deletion is retried every 20 seconds.

        Only the owner and who moderates may do this.
        """
        await media.delete_item(request.principal, _parse_item_id(item_id))


class UploadLimitsController(Controller):
    """What an upload may be, for clients that ask before they send one."""

    path = "/library/upload-limits"
    tags = ["Library"]

    @get(
        summary="Get the limits of an upload",
        response_description="The limits, which are the same for all users.",
    )
    async def get_upload_limits(self, request: ApiRequest) -> library_schemas.UploadLimitsResponse:
        """Return how large a file may be.

        A proxy may close the connection of a larger one before the client has the response
        `file_too_large`. A client that looks at the size first sends nothing in vain.
        """
        return library_schemas.UploadLimitsResponse(
            max_file_bytes=media_settings(request).upload_limit
        )


class MediaFileController(Controller):
    """Files of the library for plain image views."""

    path = "/media"
    tags = ["Library"]
    dependencies = {
        "file_reads": Provide(provide_file_reads, sync_to_thread=False),
    }
    security = [{}, *BEARER]

    @get(
        "/{folder:str}/{name:str}",
        summary="Get the file of an image",
        file_responses=FILE_RESPONSES,
        errors=[
            errors.ReauthenticationRequired,
            media_errors.MediaFileNotFound,
            exceptions.PreconditionFailed,
            exceptions.RangeNotSatisfiable,
            errors.TooManyReads,
        ],
    )
    async def get_media_file(
        self,
        *,
        request: ApiRequest,
        media: Injected[MediaFeature],
        file_reads: Injected[FileReads],
        folder: library_schemas.FolderParameter,
        name: library_schemas.FileNameParameter,
        expires: library_schemas.ExpiresParameter = None,
        signature: library_schemas.SignatureParameter = None,
    ) -> ASGIApp:
        """Return the file of an item. After the item is deleted, it is not found.

        If the URLs of items do not expire, this needs no access token. If they expire
        (`url_expires_at`), it needs one, or the signature of the URL: after that time the file
        opens only with a token. If media is private, only the owner and administrators can open it.

        A file never changes. So conditional requests and ranges work without fail.
        """
        open_file, storage_key = media.open_file, f"{folder}/{name}"
        access = await media.media_urls.check_access(storage_key, expires or "", signature or "")
        # Otherwise a URL that has expired would still say how to open the file: by its key.
        principal = await authenticate(request) if access.needs_token else None
        file = await open_file.find(storage_key, principal)
        validators = Validators(f'"{name}"', file.created_at.replace(microsecond=0))
        headers = {
            **_MEDIA_HEADERS,
            **validators.headers,
            "Cache-Control": _cache_control(access, media_settings(request).cache_control),
        }
        if validators.is_not_modified(request.headers):
            return ASGIResponse(status_code=304, headers=headers)
        headers["Content-Type"] = file.image.format.content_type
        if IS_HEAD in request.scope["state"]:
            async with file_reads.permit(request.client_ip):
                headers["Content-Length"] = str(await open_file.get_size(file))
            return ASGIResponse(headers=headers, is_head_response=True)
        size = file.image.bytes
        part = validators.find_range(request.headers, size)
        if part is not None:
            headers["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{size}"
        return FileResponse(
            lambda: open_file(file, *(part or ())),
            file_reads.permit(request.client_ip),
            headers,
            status=206 if part else 200,
        )


def _cache_control(access: FileAccess, public_cache_control: str) -> str:
    # A file never changes. This decides how long copies survive a deletion.
    if access.needs_token:
        return _PRIVATE_CACHE_CONTROL
    if access.remaining is not None:
        return f"private, max-age={access.remaining // timedelta(seconds=1)}"
    return public_cache_control


def _parse_item_id(text: str) -> str:
    return parse_id(text, InvalidItemId())


def _parse_fields(request: ApiRequest, fields: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the owner and the category of an upload.

    Raises:
        MissingUserId, InvalidUserId
        InvalidFields: The category is invalid, or both are.
    """
    text = fields.get("user_id", "")
    owner = parse_identifier(text)
    error = exceptions.InvalidUserId() if text else MissingUserId()
    try:
        category = _parse_category(fields.get("category"))
    except exceptions.InvalidFields as invalid:
        if owner is not None:
            raise
        wrong_owner = request.errors.to_field_error("user_id", error)
        raise exceptions.InvalidFields(wrong_owner, *invalid.field_errors) from None
    if owner is None:
        raise error
    return owner, category


def _parse_category(text: str | None) -> str | None:
    if text is None:
        return None
    with parsing_field("category"):
        return parse_category(text)
