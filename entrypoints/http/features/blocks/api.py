"""Blocks over HTTP."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, ClassVar, Final

import msgspec
from litestar import Controller, get, post
from litestar.params import JSONBody

from application.features.blocks import ADD_BLOCK, END_BLOCK, Blocks
from domain import errors
from domain.errors import ConflictingValue
from domain.features.blocks import (
    MAX_DURATION,
    MIN_DURATION,
    TIME_PATTERN,
    BlockNotFound,
    Subject,
    SubjectKind,
    TooManyBlocks,
    parse_subject,
    parse_time,
)
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.features.blocks.fields import (
    BlockResponse,
    BlocksResponse,
    to_block_response,
    to_blocks_response,
)
from entrypoints.http.fields import described, reason_field
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, missing_field, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest

_ENDS: Final = ("seconds", "ends_at")
_MAX_SECONDS: Final = int(MAX_DURATION.total_seconds())

ReasonField = Annotated[
    str, reason_field("Why, for the audit.", "SMS pumping in GB, ticket 4711", min_length=1)
]


class AddBlockBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A block: one of `prefix`, `network` and `country`, and its end: `seconds` or `ends_at`."""

    also_in_example: ClassVar = ("prefix", "seconds")

    prefix: Annotated[
        str | None,
        described(
            "How phone numbers begin: `+`, the country code and further digits, without the last"
            " four digits of a number.",
            "+4479",
        ),
    ] = None
    network: Annotated[
        str | None,
        described(
            "A network in CIDR notation, or one IP: IPv4 from /8 on, IPv6 from /16 to /64. It"
            " blocks requests for codes, and sign-ins by a passkey.",
            "203.0.113.0/24",
        ),
    ] = None
    country: Annotated[
        str | None, described("The ISO 3166-1 code of a country with phone numbers.", "GB")
    ] = None
    seconds: Annotated[
        int | None,
        described(
            "For how long it holds, from a minute to 400 days.",
            7200,
            minimum=int(MIN_DURATION.total_seconds()),
            maximum=_MAX_SECONDS,
        ),
    ] = None
    ends_at: Annotated[
        str | None,
        described(
            "When it ends, with the offset from UTC: in a minute at least, and in 400 days at"
            " most.",
            "2026-05-01T09:30:00.000Z",
            pattern=TIME_PATTERN,
        ),
    ] = None
    reason: ReasonField


class EndBlockBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a block ends."""

    reason: ReasonField


def parse_block(
    body: AddBlockBody,
    invalid: FieldErrors,
    check_end: Callable[[datetime | timedelta], object],
) -> tuple[Subject, datetime | timedelta]:
    """Parse what a block blocks, and its end, which is checked. Errors are added to `invalid`."""
    subject = Subject(SubjectKind.PREFIX, "")
    end: datetime | timedelta = timedelta()
    sent = {kind: text for kind in SubjectKind if (text := getattr(body, kind)) is not None}
    if not sent:
        invalid.add(missing_field("prefix"))
    for kind, text in sent.items():
        with invalid.of(kind):
            if len(sent) > 1:
                raise ConflictingValue("Send only one of prefix, network and country.")
            subject = parse_subject(kind, text)
    if body.seconds is None and body.ends_at is None:
        invalid.add(missing_field("seconds"))
    if body.seconds is not None:
        with invalid.of("seconds"):
            if body.ends_at is not None:
                raise ConflictingValue("Send one of seconds and ends_at.")
            end = timedelta(seconds=max(0, min(body.seconds, 2 * _MAX_SECONDS)))
            check_end(end)
    if body.ends_at is not None:
        with invalid.of("ends_at"):
            end = parse_time(body.ends_at)
            check_end(end)
    return subject, end


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
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(summary="List the blocks", response_description="The blocks.", errors=[*_READ_ERRORS])
    async def list_blocks(self, request: ApiRequest, blocks: Injected[Blocks]) -> BlocksResponse:
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
        blocks: Injected[Blocks],
        data: JSONBody[AddBlockBody],
    ) -> BlockResponse:
        """Add a block. Each instance applies it within five seconds.

        A number of a blocked prefix or country gets what one of a country gets that is not served,
        and a client in a blocked network what it gets when a limit is used up. At most 50 blocks
        are active. A service token blocks for 24 hours at most. {who}.
        """
        with FieldErrors(data) as invalid:
            check_end = partial(blocks.check_end, request.operator)
            subject, end = parse_block(data, invalid, check_end)
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
        blocks: Injected[Blocks],
        block_id: IdParameter,
        data: JSONBody[EndBlockBody],
    ) -> BlockResponse:
        """End a block. Each instance stops to apply it within five seconds. {who}."""
        found_id = parse_id(block_id, BlockNotFound())
        with FieldErrors(data) as invalid, invalid.of("reason"):
            reason = request.operator.parse_reason(END_BLOCK, data.reason)
        return to_block_response(await blocks.end(request.operator, found_id, reason))


class BlocksHttpAdditions(HttpAdditions):
    """Blocks."""

    use_cases = ("blocks",)
    errors = ERRORS
    administration: Sequence[type[Controller]] = (BlockController,)
