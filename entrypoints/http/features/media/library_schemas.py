"""Parameters, request and response bodies of the library endpoints."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar.params import HeaderParameter, PathParameter

from application.features.media.library import LibraryPage
from application.features.media.media_urls import LibraryItem
from domain.cursor import CURSOR_PATTERN, encode_cursor, parse_cursor
from domain.errors import ConflictingValue, InvalidIdentifier, UnsupportedValue
from domain.features.media import item
from domain.features.media.image import ImageFormat, MediaKind
from domain.features.media.item import (
    CATEGORY_PATTERN,
    MAX_CATEGORY_LENGTH,
    MAX_TOTAL,
    ItemFilter,
    PageRequest,
)
from domain.features.media.usage import IDEMPOTENCY_KEY_PATTERN, MAX_IDEMPOTENCY_KEY_LENGTH
from domain.identifier import IDENTIFIER_PATTERN
from entrypoints.http.features.media.errors import PageTooDeep
from entrypoints.http.fields import (
    BINARY,
    ID_DESCRIPTION,
    ITEM_ID_EXAMPLE,
    CreatedAtField,
    UserIdField,
    binary_content,
    described,
    format_timestamp,
    header,
    time_field,
)
from entrypoints.http.requests.parameters import (
    CountParameter,
    NextCursorField,
    describe_page_size,
    parameter_schema,
    path_parameter,
    query_parameter,
)
from entrypoints.http.requests.parsing import FieldErrors, parse_id

PAGE_NUMBER: Final = CountParameter(name="page", default=1, maximum=MAX_TOTAL)
PAGE_SIZE: Final = CountParameter(name="per_page", default=10)


def _url_part(name: str, pattern: str) -> PathParameter:
    return path_parameter(f"The {name} of the file, as in an item's `url`.", pattern=pattern)


FolderParameter = Annotated[str, _url_part("folder", item.STORAGE_FOLDER_PATTERN)]
FileNameParameter = Annotated[str, _url_part("name", item.STORAGE_NAME_PATTERN)]
ExpiresParameter = Annotated[
    str | None, query_parameter("A part of the signature of a private URL.")
]
SignatureParameter = Annotated[str | None, query_parameter("The signature of a private URL.")]
PageParameter = Annotated[
    str | None,
    PAGE_NUMBER.describe(
        f"The page number, from 1. A page that begins after {MAX_TOTAL} items is an error with the"
        " code `page_too_deep`: use `cursor`."
    ),
]
PageSizeParameter = Annotated[str | None, describe_page_size(PAGE_SIZE, "Items")]
OwnerParameter = Annotated[
    str | None, query_parameter("Only items of this user.", pattern=IDENTIFIER_PATTERN)
]
TypeParameter = Annotated[
    str | None, query_parameter("Only items of this type.", name="type", enum=[*MediaKind])
]
CategoryParameter = Annotated[str | None, query_parameter("Only items with exactly this label.")]
LibraryCursorParameter = Annotated[
    str | None,
    query_parameter(
        "The `next_cursor` of the previous page. Do not send `page` with it, or send 1.",
        pattern=CURSOR_PATTERN,
    ),
]
IdempotencyKeyParameter = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="Names this upload, for example by a random UUID, so that it can be repeated.",
        schema_extra=parameter_schema(
            pattern=IDEMPOTENCY_KEY_PATTERN, maxLength=MAX_IDEMPOTENCY_KEY_LENGTH
        ),
    ),
]
CategoryField = Annotated[
    str | None,
    described(
        "A label, exactly as sent.",
        "art",
        pattern=item.CATEGORY_PATTERN,
        maxLength=item.MAX_CATEGORY_LENGTH,
    ),
]


class UpdateLibraryItemBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new label; null removes it."""

    category: CategoryField


class LibraryItemResponse(msgspec.Struct, kw_only=True):
    """An image in the library."""

    id: Annotated[str, described(ID_DESCRIPTION, ITEM_ID_EXAMPLE)]
    url: Annotated[
        str,
        described(
            "The URL of the file. It needs no access token.",
            "http://127.0.0.1:8000/media/0f/68b1c0a5d2f04e7a9c3b1d20-0f1e2d3c4b5a69788796a5b4c3d2e1f0.jpg",
        ),
    ]
    url_expires_at: Annotated[
        str | msgspec.UnsetType,
        time_field("In UTC; absent if the URL does not expire.", "2026-05-01T12:00:00.000Z"),
    ] = msgspec.UNSET
    user_id: UserIdField
    created_at: CreatedAtField
    type: Annotated[
        str,
        described("`image` or `gif`, as the bytes of the file decide.", "image", enum=[*MediaKind]),
    ]
    category: CategoryField
    width: Annotated[int, described("Of the full image, in pixels, as displayed.", 3024)]
    height: Annotated[int, described("Of the full image, in pixels, as displayed.", 4032)]
    bytes: Annotated[int, described("The size of the file of the full image.", 2481733)]
    content_type: Annotated[str, described("The media type of the full image.", "image/jpeg")]
    variants: Annotated[
        dict[str, str],
        described(
            "URLs of other sizes, by name. `full` is the image itself where `url` is one of these.",
            {
                "thumb": "http://127.0.0.1:8000/media/5a/68b1c0a5d2f04e7a9c3b1d20-320x320-"
                "5a69788796a5b4c3d2e1f00f1e2d3c4b.jpg"
            },
        ),
    ]


ItemResponse = TypeVar("ItemResponse", bound=LibraryItemResponse)


class UploadImageResponse(LibraryItemResponse, kw_only=True):
    """The image is in the library, and its file is stored."""

    message: Annotated[str, described("Always `File uploaded`.", "File uploaded")] = "File uploaded"


class UploadLimitsResponse(msgspec.Struct, kw_only=True):
    """The limits of an upload."""

    max_file_bytes: Annotated[
        int, described("A larger file is rejected as `file_too_large`.", 20_000_000)
    ]


class LibraryPageResponse(msgspec.Struct, kw_only=True):
    """A page of the library, the newest items first."""

    items: Annotated[list[LibraryItemResponse], described("The items of the page.")]
    page: Annotated[int, described("The page number; 1 with a cursor.", 1)]
    per_page: Annotated[int, described("The page size used, at most 100.", 10)]
    total: Annotated[
        int | None, described(f"The number of items, at most {MAX_TOTAL}; null with a cursor.", 100)
    ]
    total_is_exact: Annotated[
        bool | msgspec.UnsetType,
        described("Always false: there are more items than `total`. Otherwise absent.", False),
    ] = msgspec.UNSET
    total_pages: Annotated[
        int | None, described("The number of pages for `total` items; null with a cursor.", 10)
    ]
    next_cursor: NextCursorField


def parse_list_parameters(
    page: str | None,
    per_page: str | None,
    cursor: str | None,
    user_id: str | None,
    kind: str | None,
    category: str | None,
) -> tuple[ItemFilter, PageRequest]:
    """Parse which items are requested, and which page of them, by number or by cursor.

    Raises:
        PageTooDeep: Only a cursor leads to this page.
    """
    invalid_owner = InvalidIdentifier("A user id has 24 hex digits.")
    with FieldErrors() as invalid:
        with invalid.of("page"):
            number = PAGE_NUMBER.parse(page)
            if cursor is not None and number != 1:
                raise ConflictingValue("Use either page or cursor. With a cursor, omit page.")
        with invalid.of("per_page"):
            size = PAGE_SIZE.parse(per_page)
        with invalid.of("cursor"):
            after = None if cursor is None else parse_cursor(cursor)
        with invalid.of("user_id"):
            owner = None if user_id is None else parse_id(user_id, invalid_owner)
        with invalid.of("type"):
            media_kind = _parse_kind(kind)
    page_request = PageRequest(number, size, after)
    if page_request.is_too_deep:
        raise PageTooDeep
    return ItemFilter(owner, media_kind, category), page_request


def to_item_response(shown: LibraryItem, response_type: type[ItemResponse]) -> ItemResponse:
    """Convert an item to one of its response types."""
    item, url = shown.item, shown.url
    return response_type(
        id=item.id,
        url=url.url,
        url_expires_at=format_timestamp(url.expires_at) if url.expires_at else msgspec.UNSET,
        user_id=item.owner_id,
        created_at=format_timestamp(item.created_at),
        type=item.kind.value,
        category=item.category,
        width=item.image.width,
        height=item.image.height,
        bytes=item.image.bytes,
        content_type=item.image.format.content_type,
        variants=dict(shown.variants),
    )


def to_page_response(page: LibraryPage) -> LibraryPageResponse:
    """Convert a page."""
    return LibraryPageResponse(
        items=[to_item_response(item, LibraryItemResponse) for item in page.items],
        page=page.request.number,
        per_page=page.request.page_size,
        total=page.total,
        total_is_exact=False if page.is_total_exact is False else msgspec.UNSET,
        total_pages=page.total_pages,
        next_cursor=encode_cursor(page.next_cursor) if page.next_cursor else None,
    )


def _parse_kind(text: str | None) -> MediaKind | None:
    try:
        return None if text is None else MediaKind(text)
    except ValueError:
        raise UnsupportedValue("This must be 'image' or 'gif'.") from None


_FORM: Final = {
    "properties": {
        "file": {**BINARY, "description": "A JPEG, PNG, WebP, GIF or HEIC image."},
        "user_id": {
            "type": "string",
            "pattern": IDENTIFIER_PATTERN,
            "description": "The user's id, the `_id` of `GET /users/me`; for administrators, any"
            " user's.",
        },
        "type": {
            "type": "string",
            "description": "Ignored: the bytes of the file decide the type.",
            "examples": ["image"],
        },
        "category": {
            "type": "string",
            "maxLength": MAX_CATEGORY_LENGTH,
            "pattern": CATEGORY_PATTERN,
            "description": "A label. It is returned exactly as sent.",
            "examples": ["art"],
        },
    },
    "type": "object",
    "required": ["file", "user_id"],
}
UPLOAD_FORM: Final = {"content": {"multipart/form-data": {"schema": _FORM}}, "required": True}
_VALIDATORS: Final = {
    "Cache-Control": header(
        "Which caches may store the file, and how long. `private` where the URL expires.",
        "public, max-age=31536000, immutable",
    ),
    "ETag": header("Identifies the bytes.", '"0f1e2d3c4b5a69788796a5b4c3d2e1f0.jpg"'),
    "Last-Modified": header("When it was uploaded.", "Fri, 01 May 2026 09:30:00 GMT"),
}
_LENGTH: Final = {"Content-Length": header("The number of bytes.", "2481733")}
_RANGE: Final = {"Content-Range": header("Which bytes these are.", "bytes 0-99/2481733")}
_CONTENT: Final = binary_content(*(image_format.content_type for image_format in ImageFormat))
FILE_RESPONSES: Final[Mapping[str, Any]] = {
    "200": {
        "description": "The bytes of the image. They never change.",
        "headers": {**_VALIDATORS, **_LENGTH},
        "content": _CONTENT,
    },
    "206": {
        "description": "The bytes that `Range` requests.",
        "headers": {**_VALIDATORS, **_LENGTH, **_RANGE},
        "content": _CONTENT,
    },
    "304": {
        "description": "The client has the file already: `If-None-Match`, `If-Modified-Since`.",
        "headers": _VALIDATORS,
    },
}
