"""The library in the console."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from litestar import get, post
from litestar.di import Provide
from litestar.response import Redirect, Template
from litestar.types import ASGIApp

from application.administration.acts import Act
from application.administration.operator import Operator
from application.features.media import moderate_items
from application.features.media.feature import LibraryFeature, MediaFeature
from application.features.media.library import FoundFile
from application.features.media.moderate_items import ModerateItems
from application.limits.file_reads import FileReads
from domain.administration.scope import Scope
from domain.cursor import Cursor, encode_cursor, parse_cursor
from domain.errors import InvalidIdentifier, InvalidValue
from domain.features.media.errors import ItemNotFound
from domain.features.media.item import ItemFilter, MediaItem
from domain.identifier import parse_identifier
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.features.console.render import render, see_other
from entrypoints.http.features.console.request import ConsoleRequest, read_form
from entrypoints.http.features.media.errors import InvalidItemId
from entrypoints.http.requests.dependencies import Injected, provide, provide_file_reads
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id
from entrypoints.http.responses.streaming import FileResponse

_LIBRARY: Final = "/console/library"
_PAGE_SIZE: Final = 24
_HIDDEN: Final = "hidden"
"""The state in the address of a page with hidden items."""
_INVALID_USER: Final = InvalidIdentifier("A user id has 24 hex digits.")


@dataclass(frozen=True, slots=True)
class _ActPage:
    """The pages of an act on an item: one that asks, and one after it.

    Attributes:
        done: What the next page says, as a key of `DONE`.
    """

    act: Act
    title: str
    done: str
    run: Callable[[ModerateItems, Operator, str, str], Awaitable[MediaItem]]
    is_dangerous: bool = False


_PAGES: Final = {
    page.act.name: page
    for page in (
        _ActPage(moderate_items.HIDE, "Hide the picture", "item_hidden", ModerateItems.hide),
        _ActPage(
            moderate_items.UNHIDE, "Show the picture again", "item_unhidden", ModerateItems.unhide
        ),
        _ActPage(
            moderate_items.DELETE,
            "Delete the picture",
            "item_deleted",
            ModerateItems.delete,
            is_dangerous=True,
        ),
    )
}
_ACT_PATHS: Final = [f"/{{item_id:str}}/{name}" for name in _PAGES]


class LibraryPageController(ConsoleController):
    """What the staff sees of the library.

    Pictures come through the console's own paths, also those of hidden items: a public or presigned
    URL is on another host, and would stay valid.
    """

    path = _LIBRARY
    opt = {NEEDED_SCOPE: Scope.READ_LIBRARY}
    dependencies = {
        "moderation": provide(lambda use_cases: use_cases.of(LibraryFeature)),
        "media": provide(lambda use_cases: use_cases.of(MediaFeature)),
        "file_reads": Provide(provide_file_reads, sync_to_thread=False),
    }

    @get("/")
    async def list_items(
        self, request: ConsoleRequest, moderation: Injected[LibraryFeature]
    ) -> Template:
        query = request.query_params
        text = query.get("user_id")
        with FieldErrors() as invalid:
            with invalid.of("user_id"):
                owner_id = parse_id(text, _INVALID_USER) if text else None
            with invalid.of("cursor"):
                cursor = parse_cursor(query["cursor"]) if "cursor" in query else None
        item_filter = ItemFilter(owner_id=owner_id, is_hidden=query.get("state") == _HIDDEN)
        page = await moderation.moderate_items.list(
            request.operator, item_filter, cursor, _PAGE_SIZE
        )
        return _render_list(
            request,
            item_filter,
            items=page.items,
            is_first=cursor is None,
            next_url=_address(item_filter, page.next_cursor) if page.next_cursor else "",
        )

    @post("/", status_code=200)
    async def choose_user(self, request: ConsoleRequest) -> Redirect | Template:
        """Lead to the items of one user. A form: whatever is typed is in no address before."""
        form = await read_form(request)
        is_hidden = form["state"] == _HIDDEN
        text = form["user_id"]
        owner_id = parse_identifier(text)
        if text and owner_id is None:
            item_filter = ItemFilter(is_hidden=is_hidden)
            return _render_list(
                request, item_filter, 400, user_id=text, error=_INVALID_USER.message
            )
        query = {"user_id": owner_id} if owner_id else {}
        return see_other(_LIBRARY, **query, **({"state": _HIDDEN} if is_hidden else {}))

    @get("/{item_id:str}")
    async def show_item(
        self, request: ConsoleRequest, moderation: Injected[LibraryFeature], item_id: IdParameter
    ) -> Template:
        item = await moderation.moderate_items.get(request.operator, _parse_item(item_id))
        return render(request, "media/show.html", item=item)

    @get(_ACT_PATHS)
    async def confirm_act(
        self, request: ConsoleRequest, moderation: Injected[LibraryFeature], item_id: IdParameter
    ) -> Template:
        request.operator.check_act(_page_of(request).act)
        item = await moderation.moderate_items.get(request.operator, _parse_item(item_id))
        return _render_act(request, item)

    @post(_ACT_PATHS, status_code=200)
    async def do_act(
        self, request: ConsoleRequest, moderation: Injected[LibraryFeature], item_id: IdParameter
    ) -> Redirect | Template:
        text, page = (await read_form(request))["reason"], _page_of(request)
        request.operator.check_act(page.act)
        parsed_id = _parse_item(item_id)
        try:
            reason = request.operator.parse_reason(page.act, text)
        except InvalidValue as error:
            item = await moderation.moderate_items.get(request.operator, parsed_id)
            return _render_act(request, item, 400, reason=text, error=request.errors.message(error))
        try:
            item = await page.run(moderation.moderate_items, request.operator, parsed_id, reason)
        except ItemNotFound:
            if not page.is_dangerous:
                raise
            # A second click on "Delete the picture" ends here.
            return see_other(_LIBRARY, "item_deleted_before")
        return see_other(_LIBRARY if page.is_dangerous else f"{_LIBRARY}/{item.id}", page.done)

    @get("/{item_id:str}/thumbnail")
    async def send_thumbnail(
        self,
        request: ConsoleRequest,
        moderation: Injected[LibraryFeature],
        media: Injected[MediaFeature],
        file_reads: Injected[FileReads],
        item_id: IdParameter,
    ) -> ASGIApp:
        """Return a small copy of the image, or the image itself if there is none."""
        file = await moderation.moderate_items.find_thumbnail(
            request.operator, _parse_item(item_id)
        )
        return _send(request, media, file_reads, file)

    @get("/{item_id:str}/image")
    async def send_image(
        self,
        request: ConsoleRequest,
        moderation: Injected[LibraryFeature],
        media: Injected[MediaFeature],
        file_reads: Injected[FileReads],
        item_id: IdParameter,
    ) -> ASGIApp:
        file = await moderation.moderate_items.find_image(request.operator, _parse_item(item_id))
        return _send(request, media, file_reads, file)


def _render_list(
    request: ConsoleRequest, item_filter: ItemFilter, status_code: int = 200, **context: object
) -> Template:
    other_state = ItemFilter(owner_id=item_filter.owner_id, is_hidden=not item_filter.is_hidden)
    shared = {
        "item_filter": item_filter,
        "this_url": _address(item_filter),
        "other_state_url": _address(other_state),
        "user_id": item_filter.owner_id or "",
        "error": "",
        "items": (),
        "is_first": True,
        "next_url": "",
    }
    return render(request, "media/list.html", status_code=status_code, **(shared | context))


def _render_act(
    request: ConsoleRequest,
    item: MediaItem,
    status_code: int = 200,
    *,
    reason: str = "",
    error: str = "",
) -> Template:
    return render(
        request,
        "media/act.html",
        status_code=status_code,
        item=item,
        acts=moderate_items,
        page=_page_of(request),
        reason=reason,
        error=error,
    )


def _send(
    request: ConsoleRequest, media: MediaFeature, file_reads: FileReads, file: FoundFile
) -> ASGIApp:
    return FileResponse(
        lambda: media.open_file(file),
        file_reads.permit(request.client_ip),
        {"Content-Type": file.image.format.content_type},
        is_head=IS_HEAD in request.scope["state"],
    )


def _address(item_filter: ItemFilter, cursor: Cursor | None = None) -> str:
    query = {
        "state": _HIDDEN if item_filter.is_hidden else "",
        "user_id": item_filter.owner_id or "",
        "cursor": encode_cursor(cursor) if cursor else "",
    }
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{_LIBRARY}?{text}" if text else _LIBRARY


def _page_of(request: ConsoleRequest) -> _ActPage:
    return _PAGES[request.act_name]


def _parse_item(text: str) -> str:
    return parse_id(text, InvalidItemId())


PART: Final = ConsolePart(
    templates=Path(__file__).parent,
    controllers=(LibraryPageController,),
    navigation=((60, "Library", "/console/library", Scope.READ_LIBRARY),),
    done={
        "item_hidden": "The picture is hidden.",
        "item_unhidden": "The picture is shown again.",
        "item_deleted": "The picture is deleted.",
        "item_deleted_before": "There is no such picture any more, so nothing was done now.",
    },
    user_data="pictures",
)
