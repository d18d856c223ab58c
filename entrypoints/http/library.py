"""The library."""

from typing import Any, Final

from litestar import Controller, Request, delete, get, patch, post
from litestar.di import Provide
from litestar.params import JSONBody

from application.media.upload_image import UploadImageCommand
from domain import errors
from domain.errors import InvalidItemId, MissingUserId
from domain.identifier import parse_identifier
from domain.media.item import parse_category
from entrypoints.http.authentication import UNAVAILABLE, provide_caller, requires_caller
from entrypoints.http.dependencies import Cases, Settings, SignedInCaller
from entrypoints.http.documented import BEARER, body_refusals, refused_with
from entrypoints.http.field_parsing import parse_field
from entrypoints.http.json_bodies import JsonBody
from entrypoints.http.library_schemas import (
    CategoryBody,
    Item,
    ItemPage,
    ItemUploaded,
    show_item,
    show_page,
)
from entrypoints.http.page_query import parse_item_filter, parse_page_request
from entrypoints.http.parameters import (
    CategoryChoice,
    Cursor,
    ItemId,
    OwnerChoice,
    PageNumber,
    PerPage,
    TypeChoice,
)
from entrypoints.http.refusals import BodyUnreadable
from entrypoints.http.upload_form import open_upload_form
from entrypoints.http.upload_operation import UploadOperation
from entrypoints.http.users import parse_user_id

_ITEM_ERRORS: Final = (
    errors.InvalidItemId,
    errors.Unauthenticated,
    errors.ItemNotFound,
    errors.Unavailable,
)


def parse_item_id(text: str) -> str:
    """Give the id in its one spelling; raises InvalidItemId."""
    item_id = parse_identifier(text)
    if item_id is None:
        raise InvalidItemId
    return item_id


class LibraryController(Controller):
    """Everybody's pictures, each with its owner."""

    path = "/library"
    tags = ["Library"]
    guards = [requires_caller]
    dependencies = {"principal": Provide(provide_caller, sync_to_thread=False)}
    security = BEARER

    @post(
        "/upload",
        operation_id="uploadPicture",
        summary="Upload a picture",
        response_description="The picture is in the library.",
        operation_class=UploadOperation,
        # The form's reader has a limit of its own, from the settings.
        request_max_body_size=None,
        opt={UNAVAILABLE: errors.ItemSaveFailed},
        responses=refused_with(
            errors.NoFilePart,
            errors.NoSelectedFile,
            errors.MissingUserId,
            errors.InvalidUserId,
            errors.InvalidFields({"category": ["A category has at most 64 characters."]}),
            BodyUnreadable("This is not a complete multipart form."),
            errors.Unauthenticated,
            errors.Forbidden,
            errors.UserNotFound,
            errors.FileTooLarge,
            errors.UnsupportedImageType,
            errors.InvalidImage,
            errors.MediaStorageFailed,
            errors.ItemSaveFailed,
            errors.Unavailable,
        ),
    )
    async def upload(
        self,
        request: Request[Any, Any, Any],
        use_cases: Cases,
        settings: Settings,
        principal: SignedInCaller,
    ) -> ItemUploaded:
        """Publish a JPEG, PNG or GIF.

        What is published is encoded anew, the right way up and without metadata. `type` in the
        answer is what the bytes are, whatever was claimed.
        """
        async with open_upload_form(request, settings.upload_limit) as form:
            user_id = form.fields.get("user_id")
            if not user_id:
                raise MissingUserId
            owner = parse_user_id(user_id)
            given = form.fields.get("category")
            category = (
                None if given is None else parse_field("category", lambda: parse_category(given))
            )
            shown = await use_cases.upload_image(
                UploadImageCommand(principal, owner, form.file, category)
            )
        return show_item(shown, ItemUploaded)

    @get(
        operation_id="readLibrary",
        summary="A page of the library",
        response_description="The page; it may be empty.",
        opt={UNAVAILABLE: errors.LibraryReadFailed},
        responses=refused_with(
            errors.InvalidFields({"page": ["This has to be a whole number from 1 on."]}),
            errors.Unauthenticated,
            errors.LibraryReadFailed,
        ),
    )
    async def list_items(
        self,
        *,
        use_cases: Cases,
        page: PageNumber = None,
        per_page: PerPage = None,
        user_id: OwnerChoice = None,
        item_type: TypeChoice = None,
        category: CategoryChoice = None,
        cursor: Cursor = None,
    ) -> ItemPage:
        """Show everybody's pictures, or some of them, newest first.

        Go from page to page by number, or by cursor: hand on `next_cursor` until it is null.
        By cursor nothing comes twice and nothing is left out, whatever is uploaded or removed
        meanwhile, and a late page is as quick as the first. The other parameters are those of
        each request. A page may be shorter than `per_page`, even empty, and not be the last.
        """
        chosen = parse_item_filter(user_id, item_type, category)
        request = parse_page_request(page, per_page, cursor)
        return show_page(await use_cases.list_items(chosen, request))

    @get(
        "/{item_id:str}",
        operation_id="readItem",
        summary="An item",
        response_description="The item.",
        responses=refused_with(*_ITEM_ERRORS),
    )
    async def get_item(self, item_id: ItemId, use_cases: Cases) -> Item:
        """Show one item."""
        return show_item(await use_cases.get_item(parse_item_id(item_id)), Item)

    @patch(
        "/{item_id:str}",
        operation_id="categoriseItem",
        summary="Label an item",
        response_description="The item, under its new label.",
        dto=JsonBody[CategoryBody],
        return_dto=None,
        responses=refused_with(*body_refusals("category"), *_ITEM_ERRORS, errors.Forbidden),
    )
    async def categorise(
        self,
        item_id: ItemId,
        data: JSONBody[CategoryBody],
        use_cases: Cases,
        principal: SignedInCaller,
    ) -> Item:
        """Put another label on an item; its owner or an administrator may."""
        wanted = data.category
        category = (
            None if wanted is None else parse_field("category", lambda: parse_category(wanted))
        )
        shown = await use_cases.categorize_item(principal, parse_item_id(item_id), category)
        return show_item(shown, Item)

    @delete(
        "/{item_id:str}",
        operation_id="deleteItem",
        summary="Remove an item",
        response_description="The item is gone.",
        responses=refused_with(*_ITEM_ERRORS, errors.Forbidden),
    )
    async def delete_item(
        self, item_id: ItemId, use_cases: Cases, principal: SignedInCaller
    ) -> None:
        """Remove an item; its owner or an administrator may. Its address stops at once."""
        await use_cases.delete_item(principal, parse_item_id(item_id))
