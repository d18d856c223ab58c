"""Library items as they are sent and shown."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from application.media.library import LibraryItem, LibraryPage
from domain.media import item
from domain.media.page import encode_cursor
from entrypoints.http.parameters import CATEGORY_PATTERN
from entrypoints.http.sign_in_schemas import described
from entrypoints.http.times import iso
from entrypoints.http.user_schemas import UserIdText

ItemIdText = Annotated[
    str, Meta(description="24 hex digits.", examples=["6561a2b1c3d4e5f60718293b"])
]
CategoryText = Annotated[
    str | None,
    described(
        "A label, exactly as sent.",
        "art",
        pattern=CATEGORY_PATTERN,
        max_length=item.MAX_CATEGORY_LENGTH,
    ),
]


class CategoryBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Another label; null takes it away."""

    category: CategoryText


class Item(msgspec.Struct, kw_only=True):
    """A picture of the library."""

    id: ItemIdText
    url: Annotated[
        str,
        Meta(
            description="Opens in a plain image view that sends no token.",
            examples=["http://127.0.0.1:8000/media/0f1e2d3c4b5a69788796a5b4c3d2e1f0.jpg"],
        ),
    ]
    url_expires_at: Annotated[
        str | msgspec.UnsetType,
        Meta(
            description="ISO 8601, UTC; absent when the address lasts.",
            examples=["2026-05-01T12:00:00.000Z"],
        ),
    ] = msgspec.UNSET
    user_id: UserIdText
    created_at: Annotated[
        str, Meta(description="ISO 8601, UTC.", examples=["2026-05-01T09:30:00.000Z"])
    ]
    type: Annotated[
        str, Meta(description="`image` or `gif`: what the bytes are.", examples=["image"])
    ]
    category: CategoryText
    width: Annotated[int, Meta(description="Pixels, the right way up.", examples=[3024])]
    height: Annotated[int, Meta(description="Pixels, the right way up.", examples=[4032])]
    bytes: Annotated[int, Meta(description="Size of the file.", examples=[2481733])]
    content_type: Annotated[str, Meta(description="What the file is.", examples=["image/jpeg"])]
    variants: Annotated[
        dict[str, str],
        Meta(description="Addresses of other sizes, by name; none so far.", examples=[{}]),
    ] = {}


Shape = TypeVar("Shape", bound=Item)


class ItemUploaded(Item, kw_only=True):
    """The picture is in the library, and its file in the store."""

    message: Annotated[
        str, Meta(description="What became of the request.", examples=["File uploaded"])
    ] = "File uploaded"


class ItemPage(msgspec.Struct, kw_only=True):
    """A page of the library, newest first."""

    items: Annotated[list[Item], Meta(description="The items of this page.")]
    page: Annotated[
        int,
        Meta(description="The page asked for; by cursor 1, the first behind it.", examples=[1]),
    ]
    per_page: Annotated[int, Meta(description="100 at the most.", examples=[10])]
    total: Annotated[int, Meta(description="Items on all pages.", examples=[100])]
    total_pages: Annotated[int, Meta(description="How many pages there are.", examples=[10])]
    next_cursor: Annotated[
        str | None,
        Meta(
            description="Send it as `cursor` for the page after this one; null on the last.",
            examples=["0650be398fd6006561a2b1c3d4e5f60718293b"],
        ),
    ]


def show_item(shown: LibraryItem, shape: type[Shape]) -> Shape:
    """Show an item in one of its shapes."""
    item, url = shown.item, shown.url
    return shape(
        id=item.id,
        url=url.url,
        url_expires_at=iso(url.expires_at) if url.expires_at else msgspec.UNSET,
        user_id=item.owner_id,
        created_at=iso(item.created_at),
        type=item.kind.value,
        category=item.category,
        width=item.image.width,
        height=item.image.height,
        bytes=item.image.bytes,
        content_type=item.image.format.content_type,
    )


def show_page(shown: LibraryPage) -> ItemPage:
    """Show a page."""
    page = shown.page
    return ItemPage(
        items=[show_item(item, Item) for item in shown.items],
        page=page.request.number,
        per_page=page.request.page_size,
        total=page.total,
        total_pages=page.total_pages,
        next_cursor=encode_cursor(page.next_cursor) if page.next_cursor else None,
    )
