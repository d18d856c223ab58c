"""Blocks over HTTP."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from litestar import Controller, get, post
from litestar.params import JSONBody

from application.features.blocks.feature import ADD_BLOCK, END_BLOCK, BlocksFeature
from domain import errors
from domain.features.blocks import BlockNotFound, TooManyBlocks
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.features.blocks import schemas
from entrypoints.http.features.blocks.responses import (
    BlockResponse,
    BlocksResponse,
    to_block_response,
    to_blocks_response,
)
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    BlockNotFound: ErrorRow(
        404, "block_not_found", "No block with this id is active: it has ended, or never was."
    ),
    TooManyBlocks: ErrorRow(
        409, "too_many_blocks", "50 blocks are active, and there may be no more: end one first."
    ),
}


_READ_ERRORS = (errors.Forbidden, errors.InsufficientScope, errors.PasskeyRequired)


class BlockController(Controller):
    """Number prefixes, networks and countries that get no codes for a time."""

    path = "/admin/blocks"
    tags = ["Administration"]
    dependencies = {"blocks": provide(lambda use_cases: use_cases.of(BlocksFeature))}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(summary="List the blocks", response_description="The blocks.", errors=[*_READ_ERRORS])
    async def list_blocks(
        self, request: ApiRequest, blocks: Injected[BlocksFeature]
    ) -> BlocksResponse:
        """List those that are active. A service token needs `blocks:read` or `blocks:write`."""
        return to_blocks_response(await blocks.list(request.operator))

    @post(
        summary="Add a block",
        response_description="The block acts from now on.",
        status_code=200,
        act=ADD_BLOCK,
        errors=[*_READ_ERRORS, TooManyBlocks, errors.AuditFailed],
    )
    async def add_block(
        self,
        request: ApiRequest,
        blocks: Injected[BlocksFeature],
        data: JSONBody[schemas.AddBlockBody],
    ) -> BlockResponse:
        """Add a block. Each instance applies it within five seconds.

        A number of a blocked prefix or country gets what one of a country gets that is not served,
        and a client in a blocked network what it gets when a limit is used up. At most 50 blocks
        are active. A service token blocks for 24 hours at most. {who}.
        """
        with FieldErrors(data) as invalid:
            check_end = partial(blocks.check_end, request.operator)
            subject, end = schemas.parse_block(data, invalid, check_end)
            with invalid.of("reason"):
                reason = request.operator.parse_reason(ADD_BLOCK, data.reason)
        with parsing_field("ends_at" if data.seconds is None else "seconds"):
            block = await blocks.add(request.operator, subject, end, reason)
        return to_block_response(block)

    @post(
        f"/{{block_id:str}}/{END_BLOCK.name}",
        summary="End a block",
        response_description="The block has ended.",
        status_code=200,
        act=END_BLOCK,
        errors=[*_READ_ERRORS, BlockNotFound, errors.AuditFailed],
    )
    async def end_block(
        self,
        request: ApiRequest,
        blocks: Injected[BlocksFeature],
        block_id: IdParameter,
        data: JSONBody[schemas.EndBlockBody],
    ) -> BlockResponse:
        """End a block. Each instance stops to apply it within five seconds. {who}."""
        found_id = parse_id(block_id, BlockNotFound())
        with FieldErrors(data) as invalid, invalid.of("reason"):
            reason = request.operator.parse_reason(END_BLOCK, data.reason)
        return to_block_response(await blocks.end(request.operator, found_id, reason))


class BlocksPlugin(ApiPlugin):
    """Blocks."""

    errors = ERRORS
    administration: Sequence[type[Controller]] = (BlockController,)
