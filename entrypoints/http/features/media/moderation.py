"""Moderation: hide items of the library, show them again, delete them."""

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import JSONBody
from litestar.types import ASGIApp

from application.administration.acts import Act
from application.features.media import moderate_items
from application.features.media.feature import LibraryFeature, MediaFeature
from application.features.media.library import FoundFile
from application.features.media.moderate_items import ModerationPage
from application.limits.file_reads import FileReads
from domain import errors
from domain.cursor import Cursor, encode_cursor, parse_cursor
from domain.errors import InvalidIdentifier, UnsupportedValue
from domain.features.media import errors as media_errors
from domain.features.media.image import ImageFormat, MediaKind
from domain.features.media.item import ItemFilter, MediaItem
from entrypoints.http.features.media.errors import InvalidItemId
from entrypoints.http.features.media.library_schemas import OwnerParameter
from entrypoints.http.fields import (
    ID_DESCRIPTION,
    ITEM_ID_EXAMPLE,
    CreatedAtField,
    UserIdField,
    binary_content,
    described,
    format_timestamp,
    reason_field,
)
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide_file_reads
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import (
    CountParameter,
    CursorParameter,
    IdParameter,
    NextCursorField,
    describe_page_size,
    query_parameter,
)
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.streaming import FileResponse

PAGE_SIZE: Final = CountParameter(name="limit", default=20)
_IMAGE: Final = binary_content(*(image_format.content_type for image_format in ImageFormat))
IMAGE_RESPONSES: Final[dict[str, Any]] = {
    "200": {"description": "The bytes of the full image.", "content": _IMAGE}
}
THUMBNAIL_RESPONSES: Final[dict[str, Any]] = {
    "200": {"description": "The bytes of a small image.", "content": _IMAGE}
}


class Shown(StrEnum):
    """Who sees an item: all to whom the service shows it, or administrators only."""

    SHOWN = "shown"
    HIDDEN = "hidden"


_STATES: Final = [*map(str, Shown)]
StateParameter = Annotated[
    str | None,
    query_parameter(
        "Items that are `shown` (the default), or those that are `hidden`.",
        name="state",
        enum=_STATES,
    ),
]
ItemLimitParameter = Annotated[str | None, describe_page_size(PAGE_SIZE, "Items")]


class ModerationBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why an item is hidden, shown again or deleted."""

    reason: Annotated[
        str, reason_field("Why, for the audit.", "Report 815: shows a license plate", min_length=1)
    ]


class ModeratedItemResponse(msgspec.Struct, kw_only=True):
    """An item of the library, as administrators see it. `GET …/file` has the image."""

    id: Annotated[str, described(ID_DESCRIPTION, ITEM_ID_EXAMPLE)]
    state: Annotated[
        str,
        described("`hidden` if only administrators see it.", Shown.HIDDEN.value, enum=_STATES),
    ]
    user_id: UserIdField
    created_at: CreatedAtField
    type: Annotated[
        str,
        described("`image` or `gif`, as the bytes of the file decide.", "image", enum=[*MediaKind]),
    ]
    category: Annotated[str | None, described("The label that the owner gave it.", "art")]
    width: Annotated[int, described("Of the full image, in pixels, as displayed.", 3024)]
    height: Annotated[int, described("Of the full image, in pixels, as displayed.", 4032)]
    bytes: Annotated[int, described("The size of the file of the full image.", 2481733)]
    content_type: Annotated[str, described("The media type of the full image.", "image/jpeg")]
    variants: Annotated[
        dict[str, str],
        described("The width and height of each smaller copy, by its name.", {"thumb": "240x320"}),
    ]


class ModerationPageResponse(msgspec.Struct, kw_only=True):
    """A page of the library, the newest items first."""

    items: Annotated[list[ModeratedItemResponse], described("The items of the page.")]
    next_cursor: NextCursorField


def parse_list_parameters(
    state: str | None, user_id: str | None, cursor: str | None, limit: str | None
) -> tuple[ItemFilter, Cursor | None, int]:
    """Parse which items are requested, after which cursor, and how many."""
    invalid_owner = InvalidIdentifier("A user id has 24 hex digits.")
    with FieldErrors() as invalid:
        with invalid.of("state"):
            is_hidden = _parse_state(state) is Shown.HIDDEN
        with invalid.of("user_id"):
            owner = None if user_id is None else parse_id(user_id, invalid_owner)
        with invalid.of("cursor"):
            after = None if cursor is None else parse_cursor(cursor)
        with invalid.of("limit"):
            size = PAGE_SIZE.parse(limit)
    return ItemFilter(owner_id=owner, is_hidden=is_hidden), after, size


def to_moderated_item_response(item: MediaItem) -> ModeratedItemResponse:
    """Convert an item."""
    return ModeratedItemResponse(
        id=item.id,
        state=(Shown.HIDDEN if item.is_hidden else Shown.SHOWN).value,
        user_id=item.owner_id,
        created_at=format_timestamp(item.created_at),
        type=item.kind.value,
        category=item.category,
        width=item.image.width,
        height=item.image.height,
        bytes=item.image.bytes,
        content_type=item.image.format.content_type,
        variants={
            variant.name: f"{variant.image.width}x{variant.image.height}"
            for variant in item.variants
        },
    )


def to_page_response(page: ModerationPage) -> ModerationPageResponse:
    """Convert a page."""
    return ModerationPageResponse(
        items=[to_moderated_item_response(item) for item in page.items],
        next_cursor=encode_cursor(page.next_cursor) if page.next_cursor else None,
    )


def _parse_state(text: str | None) -> Shown:
    try:
        return Shown.SHOWN if text is None else Shown(text)
    except ValueError:
        raise UnsupportedValue("This must be 'shown' or 'hidden'.") from None


_CALLER_ERRORS: Final = (
    errors.Forbidden,
    errors.InsufficientScope,
    errors.PasskeyRequired,
)
_ITEM_ERRORS: Final = (InvalidItemId, media_errors.ItemNotFound, *_CALLER_ERRORS)
_ACT_ERRORS: Final = (*_ITEM_ERRORS, errors.AuditFailed)
_FILE_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'; sandbox"}
"""A file that is opened as a page must not run or load anything."""


class ModerationController(Controller):
    """What administrators see of the library, and what they hide and delete."""

    path = "/admin/library"
    tags = ["Administration"]
    dependencies = {
        "file_reads": Provide(provide_file_reads, sync_to_thread=False),
    }
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="List items for moderation",
        response_description="The page. It may be empty.",
        errors=[PAGE_SIZE.error, *_CALLER_ERRORS],
    )
    async def list_moderated_items(
        self,
        *,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        item_state: StateParameter = None,
        user_id: OwnerParameter = None,
        cursor: CursorParameter = None,
        limit: ItemLimitParameter = None,
    ) -> ModerationPageResponse:
        """List items of all users, the newest first: those that are shown, or the hidden ones.

        It needs the scope `library:read`, which the roles `moderator`, `auditor` and
        `administrator` have, here and where the other paths below `/admin/library` read. A page may
        have fewer items than `limit`, even none, and not be the last.
        """
        item_filter, after, size = parse_list_parameters(item_state, user_id, cursor, limit)
        page = await moderation.moderate_items.list(request.operator, item_filter, after, size)
        return to_page_response(page)

    @get(
        "/{item_id:str}",
        summary="Get an item for moderation",
        response_description="The item.",
        errors=_ITEM_ERRORS,
    )
    async def get_moderated_item(
        self, request: ApiRequest, moderation: Injected[LibraryFeature], item_id: IdParameter
    ) -> ModeratedItemResponse:
        """Return an item, also a hidden one."""
        item = await moderation.moderate_items.get(request.operator, _parse_item_id(item_id))
        return to_moderated_item_response(item)

    @get(
        "/{item_id:str}/file",
        summary="Get the image of an item for moderation",
        file_responses=IMAGE_RESPONSES,
        errors=[*_ITEM_ERRORS, media_errors.MediaFileNotFound, errors.TooManyReads],
    )
    async def get_moderated_file(
        self,
        *,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        media: Injected[MediaFeature],
        file_reads: Injected[FileReads],
        item_id: IdParameter,
    ) -> ASGIApp:
        """Return the full image of an item, also of a hidden one."""
        file = await moderation.moderate_items.find_image(request.operator, _parse_item_id(item_id))
        return _send(request, media, file_reads, file)

    @get(
        "/{item_id:str}/thumbnail",
        summary="Get a small image of an item for moderation",
        file_responses=THUMBNAIL_RESPONSES,
        errors=[*_ITEM_ERRORS, media_errors.MediaFileNotFound, errors.TooManyReads],
    )
    async def get_moderated_thumbnail(
        self,
        *,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        media: Injected[MediaFeature],
        file_reads: Injected[FileReads],
        item_id: IdParameter,
    ) -> ASGIApp:
        """Return a small copy of an image for a list, or the image itself if it has none."""
        file = await moderation.moderate_items.find_thumbnail(
            request.operator, _parse_item_id(item_id)
        )
        return _send(request, media, file_reads, file)

    @post(
        f"/{{item_id:str}}/{moderate_items.HIDE.name}",
        summary="Hide an item",
        response_description="The item is hidden.",
        status_code=200,
        act=moderate_items.HIDE,
        errors=_ACT_ERRORS,
    )
    async def hide_item(
        self,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        item_id: IdParameter,
        data: JSONBody[ModerationBody],
    ) -> ModeratedItemResponse:
        """{does}.

        It is not found in the library any more, and the service does not serve its file. A public
        URL of the media store opens the file until the item is deleted, a presigned one until it
        expires. The item counts in the quota of its owner. An item that is hidden already stays
        so.
        """
        item, reason = _parse_act(request, moderate_items.HIDE, item_id, data)
        hidden = await moderation.moderate_items.hide(request.operator, item, reason)
        return to_moderated_item_response(hidden)

    @post(
        f"/{{item_id:str}}/{moderate_items.UNHIDE.name}",
        summary="Show a hidden item again",
        response_description="The item is shown.",
        status_code=200,
        act=moderate_items.UNHIDE,
        errors=_ACT_ERRORS,
    )
    async def unhide_item(
        self,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        item_id: IdParameter,
        data: JSONBody[ModerationBody],
    ) -> ModeratedItemResponse:
        """{does}, with the same URLs."""
        item, reason = _parse_act(request, moderate_items.UNHIDE, item_id, data)
        shown = await moderation.moderate_items.unhide(request.operator, item, reason)
        return to_moderated_item_response(shown)

    @post(
        f"/{{item_id:str}}/{moderate_items.DELETE.name}",
        summary="Delete an item for a reason",
        response_description="The item is deleted.",
        status_code=204,
        act=moderate_items.DELETE,
        errors=_ACT_ERRORS,
    )
    async def delete_moderated_item(
        self,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        item_id: IdParameter,
        data: JSONBody[ModerationBody],
    ) -> None:
        """{does}. This is final.

        `DELETE /library/{item_id}` does it without a reason, and does not find hidden items.
        """
        item, reason = _parse_act(request, moderate_items.DELETE, item_id, data)
        await moderation.moderate_items.delete(request.operator, item, reason)


def _send(
    request: ApiRequest, media: MediaFeature, file_reads: FileReads, file: FoundFile
) -> ASGIApp:
    return FileResponse(
        lambda: media.open_file(file),
        file_reads.permit(request.client_ip),
        {**_FILE_HEADERS, "Content-Type": file.image.format.content_type},
        is_head=IS_HEAD in request.scope["state"],
    )


def _parse_act(
    request: ApiRequest, act: Act, item_id: str, body: ModerationBody
) -> tuple[str, str]:
    item = _parse_item_id(item_id)
    with parsing_field("reason"):
        return item, request.operator.parse_reason(act, body.reason)


def _parse_item_id(text: str) -> str:
    return parse_id(text, InvalidItemId())
