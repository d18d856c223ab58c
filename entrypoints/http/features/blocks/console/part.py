"""Blocks in the console."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from litestar import get, post
from litestar.response import Redirect, Template

from application.features.blocks.feature import ADD_BLOCK, END_BLOCK, BlocksFeature
from domain.administration.scope import Scope
from domain.errors import (
    Forbidden,
    FreshLoginRequired,
    InvalidValue,
    PasskeyRequired,
    TooManyActs,
    UnsupportedValue,
)
from domain.features.blocks import BlockNotFound, Subject, SubjectKind, TooManyBlocks, parse_subject
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.features.console.render import render, see_other
from entrypoints.http.features.console.request import ConsoleRequest, read_form
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id
from entrypoints.texts.acts import describe_actor

_BLOCKS: Final = "/console/blocks"
_KINDS: Final = {
    SubjectKind.PREFIX: "Numbers that begin with",
    SubjectKind.NETWORK: "A network, for requests for codes and sign-ins by a passkey",
    SubjectKind.COUNTRY: "A country",
}


class BlockPageController(ConsoleController):
    """What `dialtone block` does.

    To add and end a block needs a session by a passkey. Others see the blocks, and how to get one.
    """

    path = _BLOCKS
    opt = {NEEDED_SCOPE: Scope.READ_BLOCKS}
    dependencies = {
        **ConsoleController.dependencies,
        "blocks": provide(lambda use_cases: use_cases.of(BlocksFeature)),
    }

    @get("/")
    async def list_blocks(
        self, request: ConsoleRequest, blocks: Injected[BlocksFeature]
    ) -> Template:
        return await _render_page(request, blocks)

    @post("/", status_code=200)
    async def add(
        self, request: ConsoleRequest, blocks: Injected[BlocksFeature]
    ) -> Redirect | Template:
        request.operator.check_act(ADD_BLOCK)
        form = await read_form(request)
        try:
            with FieldErrors() as invalid:
                with invalid.of("kind" if form["kind"] not in _KINDS else "subject"):
                    subject = _parse_subject(form)
                with invalid.of("hours"):
                    end = _parse_hours(form["hours"])
                    blocks.check_end(request.operator, end)
                with invalid.of("reason"):
                    reason = request.operator.parse_reason(ADD_BLOCK, form["reason"])
            await blocks.add(request.operator, subject, end, reason)
        except InvalidFields as error:
            errors = {wrong.field: wrong.message for wrong in error.field_errors}
            return await _render_page(request, blocks, 400, form, errors)
        except (TooManyBlocks, TooManyActs, InvalidValue) as error:
            errors = {"": request.errors.message(error)}
            return await _render_page(request, blocks, request.errors.status(error), form, errors)
        return see_other(_BLOCKS, "block_added")

    @post(f"/{{block_id:str}}/{END_BLOCK.name}", status_code=200)
    async def end(
        self, request: ConsoleRequest, blocks: Injected[BlocksFeature], block_id: IdParameter
    ) -> Redirect | Template:
        request.operator.check_act(END_BLOCK)
        found_id = parse_id(block_id, BlockNotFound())
        try:
            reason = request.operator.parse_reason(END_BLOCK, (await read_form(request))["reason"])
            await blocks.end(request.operator, found_id, reason)
        except (TooManyActs, InvalidValue) as error:
            errors = {"": request.errors.message(error)}
            return await _render_page(request, blocks, request.errors.status(error), errors=errors)
        except BlockNotFound:
            return see_other(_BLOCKS, "block_ended_before")
        return see_other(_BLOCKS, "block_ended")


def _find_obstacle(request: ConsoleRequest) -> str:
    """Return why the operator adds and ends no blocks: `passkey`, `role` or empty."""
    try:
        request.operator.check_act(ADD_BLOCK)
    except PasskeyRequired:
        return "passkey"
    except (Forbidden, FreshLoginRequired):
        return "role"
    return ""


def _parse_subject(form: Mapping[str, str]) -> Subject:
    if form["kind"] not in _KINDS:
        raise UnsupportedValue("Choose one of the list.")
    return parse_subject(SubjectKind(form["kind"]), form["subject"])


def _parse_hours(text: str) -> timedelta:
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise InvalidValue("Write a whole number of hours, from 1 to 9600.")
    return timedelta(hours=int(text))


async def _render_page(
    request: ConsoleRequest,
    blocks: BlocksFeature,
    status_code: int = 200,
    form: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Template:
    return render(
        request,
        "blocks/list.html",
        status_code=status_code,
        blocks=await blocks.list(request.operator),
        describe_actor=describe_actor,
        obstacle=_find_obstacle(request),
        form=defaultdict(str, form or {}),
        errors=defaultdict(str, errors or {}),
        kinds=[(kind.value, words) for kind, words in _KINDS.items()],
    )


PART: Final = ConsolePart(
    templates=Path(__file__).parent,
    controllers=(BlockPageController,),
    navigation=((35, "Blocks", "/console/blocks", Scope.READ_BLOCKS),),
    done={
        "block_added": "The block is active. All instances apply it within five seconds.",
        "block_ended": "The block has ended. All instances stop to apply it within five seconds.",
        "block_ended_before": "This block has ended already, so nothing was done now.",
    },
)
