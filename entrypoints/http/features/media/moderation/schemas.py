"""Parameters, request and response bodies of the moderation endpoints."""

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from application.features.media.moderate_items import ModerationPage
from domain.cursor import Cursor, encode_cursor, parse_cursor
from domain.errors import InvalidIdentifier, UnsupportedValue
from domain.features.media.image import ImageFormat, MediaKind
from domain.features.media.item import MediaItem
from domain.features.media.page import ItemFilter
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
from entrypoints.http.requests.parameters import (
    CountParameter,
    NextCursorField,
    describe_page_size,
    query_parameter,
)
from entrypoints.http.requests.parsing import FieldErrors, parse_id

PAGE_SIZE: Final = CountParameter(name="limit", default=20)
IMAGE_RESPONSES: Final[dict[str, Any]] = {
    "200": {
        "description": "The bytes of the full image.",
        "content": binary_content(*(image_format.content_type for image_format in ImageFormat)),
    }
}


class Shown(StrEnum):
    """Who sees an item: those that the service shows it to, or administrators only."""

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
