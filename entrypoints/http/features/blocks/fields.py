"""Blocks in responses and in the output of commands, which import no web framework."""

from collections.abc import Sequence
from typing import Annotated, Final, Self

import msgspec

from application.administration.show_user import UserDetails
from application.features.blocks import blocks_about
from domain.features.blocks import Block, SubjectKind
from entrypoints.http.administration.audit_entries import ActorResponse, to_actor_response
from entrypoints.http.administration.user_details import UserFields
from entrypoints.http.fields import ID_DESCRIPTION, described, format_timestamp, time_field
from entrypoints.texts.acts import format_time

_BLOCK_ID_EXAMPLE: Final = "6561a2b7c3d4e5f60718293c"


class BlockResponse(msgspec.Struct, kw_only=True):
    """A block that is active, or was just ended."""

    id: Annotated[str, described(ID_DESCRIPTION, _BLOCK_ID_EXAMPLE)]
    prefix: Annotated[str | None, described("The prefix that it blocks, or null.", "+4479")]
    network: Annotated[
        str | None, described("The network that it blocks, or null.", "203.0.113.0/24")
    ]
    country: Annotated[str | None, described("The country that it blocks, or null.", "GB")]
    reason: Annotated[str, described("Why.", "SMS pumping in GB, ticket 4711")]
    created_at: Annotated[str, time_field("When it was added, in UTC.")]
    created_by: Annotated[ActorResponse, described("Who added it.")]
    ends_at: Annotated[str, time_field("When it ends, in UTC.", "2026-05-01T11:30:00.000Z")]


class BlocksResponse(msgspec.Struct, kw_only=True):
    """The blocks that are active."""

    blocks: Annotated[list[BlockResponse], described("The oldest first, at most 50.")]


def to_block_response(block: Block) -> BlockResponse:
    """Convert a block."""
    subject = block.subject
    texts = {kind: subject.text if subject.kind is kind else None for kind in SubjectKind}
    return BlockResponse(
        id=block.id,
        prefix=texts[SubjectKind.PREFIX],
        network=texts[SubjectKind.NETWORK],
        country=texts[SubjectKind.COUNTRY],
        reason=block.reason,
        created_at=format_timestamp(block.created_at),
        created_by=to_actor_response(block.created_by),
        ends_at=format_timestamp(block.ends_at),
    )


def to_blocks_response(blocks: Sequence[Block]) -> BlocksResponse:
    """Convert blocks."""
    return BlocksResponse(blocks=[to_block_response(block) for block in blocks])


def describe_block(block: Block) -> str:
    """Say what is blocked until when, and why.

    Example: `68b1… prefix +4479, until 2026-05-01 09:30:00 UTC: ticket 4711`.
    """
    return f"{block.id}  {block.subject}, until {format_time(block.ends_at)}: {block.reason}"


class BlockFields(UserFields, kw_only=True):
    """The blocks of the phone."""

    blocks: Annotated[
        list[BlockResponse],
        described("The blocks that are active now for the prefix or the country of this phone."),
    ]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        return cls(blocks=[to_block_response(block) for block in blocks_about(details)])
