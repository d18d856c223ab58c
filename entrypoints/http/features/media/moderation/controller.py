"""Moderation: hide items of the library, show them again, delete them."""

from typing import Final

from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import JSONBody
from litestar.types import ASGIApp

from application.administration.acts import Act
from application.features.media import acts
from application.features.media.feature import LibraryFeature, MediaFeature
from application.limits.file_reads import FileReads
from domain import errors
from domain.features.media import errors as media_errors
from entrypoints.http.features.media.errors import InvalidItemId
from entrypoints.http.features.media.library.schemas import OwnerParameter
from entrypoints.http.features.media.moderation import schemas
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide, provide_file_reads
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import CursorParameter, IdParameter
from entrypoints.http.requests.parsing import parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.streaming import FileResponse

_CALLER_ERRORS: Final = (
    errors.Forbidden,
    errors.InsufficientScope,
    errors.ReauthenticationRequired,
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
        "moderation": provide(lambda use_cases: use_cases.of(LibraryFeature)),
        "media": provide(lambda use_cases: use_cases.of(MediaFeature)),
        "file_reads": Provide(provide_file_reads, sync_to_thread=False),
    }
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="List items for moderation",
        response_description="The page. It may be empty.",
        errors=[schemas.PAGE_SIZE.error, *_CALLER_ERRORS],
    )
    async def list_moderated_items(
        self,
        *,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        item_state: schemas.StateParameter = None,
        user_id: OwnerParameter = None,
        cursor: CursorParameter = None,
        limit: schemas.ItemLimitParameter = None,
    ) -> schemas.ModerationPageResponse:
        """List items of all users, the newest first: those that are shown, or the hidden ones.

        It needs the scope `library:read`, which the roles `moderator`, `auditor` and
        `administrator` have, here and where the other paths below `/admin/library` read. A page may
        have fewer items than `limit`, even none, and not be the last.
        """
        item_filter, after, size = schemas.parse_list_parameters(item_state, user_id, cursor, limit)
        page = await moderation.moderate_items.list(request.operator, item_filter, after, size)
        return schemas.to_page_response(page)

    @get(
        "/{item_id:str}",
        summary="Get an item for moderation",
        response_description="The item.",
        errors=_ITEM_ERRORS,
    )
    async def get_moderated_item(
        self, request: ApiRequest, moderation: Injected[LibraryFeature], item_id: IdParameter
    ) -> schemas.ModeratedItemResponse:
        """Return an item, also a hidden one."""
        item = await moderation.moderate_items.get(request.operator, _parse_item_id(item_id))
        return schemas.to_moderated_item_response(item)

    @get(
        "/{item_id:str}/file",
        summary="Get the image of an item for moderation",
        file_responses=schemas.IMAGE_RESPONSES,
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
        return FileResponse(
            lambda: media.open_file(file),
            file_reads.permit(request.client_ip),
            {**_FILE_HEADERS, "Content-Type": file.image.format.content_type},
            is_head=IS_HEAD in request.scope["state"],
        )

    @post(
        f"/{{item_id:str}}/{acts.HIDE.name}",
        summary="Hide an item",
        response_description="The item is hidden.",
        status_code=200,
        act=acts.HIDE,
        errors=_ACT_ERRORS,
    )
    async def hide_item(
        self,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        item_id: IdParameter,
        data: JSONBody[schemas.ModerationBody],
    ) -> schemas.ModeratedItemResponse:
        """{does}.

        It is not found in the library any more, and the service does not serve its file. A public
        URL of the media store opens the file until the item is deleted, a presigned one until it
        expires. The item counts in the quota of its owner. An item that is hidden already stays
        so.
        """
        item, reason = _parse_act(request, acts.HIDE, item_id, data)
        hidden = await moderation.moderate_items.hide(request.operator, item, reason)
        return schemas.to_moderated_item_response(hidden)

    @post(
        f"/{{item_id:str}}/{acts.UNHIDE.name}",
        summary="Show a hidden item again",
        response_description="The item is shown.",
        status_code=200,
        act=acts.UNHIDE,
        errors=_ACT_ERRORS,
    )
    async def unhide_item(
        self,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        item_id: IdParameter,
        data: JSONBody[schemas.ModerationBody],
    ) -> schemas.ModeratedItemResponse:
        """{does}, with the same URLs."""
        item, reason = _parse_act(request, acts.UNHIDE, item_id, data)
        shown = await moderation.moderate_items.unhide(request.operator, item, reason)
        return schemas.to_moderated_item_response(shown)

    @post(
        f"/{{item_id:str}}/{acts.DELETE.name}",
        summary="Delete an item for a reason",
        response_description="The item is deleted.",
        status_code=204,
        act=acts.DELETE,
        errors=_ACT_ERRORS,
    )
    async def delete_moderated_item(
        self,
        request: ApiRequest,
        moderation: Injected[LibraryFeature],
        item_id: IdParameter,
        data: JSONBody[schemas.ModerationBody],
    ) -> None:
        """{does}. This is final.

        `DELETE /library/{item_id}` does it without a reason, and does not find hidden items.
        """
        item, reason = _parse_act(request, acts.DELETE, item_id, data)
        await moderation.moderate_items.delete(request.operator, item, reason)


def _parse_act(
    request: ApiRequest, act: Act, item_id: str, body: schemas.ModerationBody
) -> tuple[str, str]:
    item = _parse_item_id(item_id)
    with parsing_field("reason"):
        return item, request.operator.parse_reason(act, body.reason)


def _parse_item_id(text: str) -> str:
    return parse_id(text, InvalidItemId())
