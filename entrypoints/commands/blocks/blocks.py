"""`dialtone block`: add, list and end blocks."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from application.administration.acts import Act
from application.administration.caller import Caller
from application.blocks.acts import ADD_BLOCK, END_BLOCK
from application.blocks.feature import BlocksFeature
from application.use_cases import UseCases
from domain.blocks.block import Block, Subject, SubjectKind
from domain.blocks.errors import BlockNotFound
from domain.blocks.parse_block import parse_subject, parse_time
from domain.errors import ConflictingValue, DomainError, InvalidValue
from domain.identifier import parse_identifier
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import find_operator, parse_operator
from entrypoints.commands.parsing import parse_reason_option
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.blocks import BLOCKS
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.parsers import duration
from entrypoints.settings.settings import Settings
from entrypoints.words.block_words import describe_actor, describe_block
from entrypoints.words.user_words import format_time

_ERRORS: Final[Mapping[type[DomainError], str]] = {
    BlockNotFound: "No block with this id is active: dialtone block list."
}


def add_block(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Add a block."""
    subject, end = _parse_subject(arguments), _parse_end(arguments)
    caller, reason = _parse_act(arguments, ADD_BLOCK)

    async def add(use_cases: UseCases) -> Block:
        with _naming("until" if arguments.until is not None else "for"):
            return await use_cases.of(BlocksFeature).add(caller, subject, end, reason)

    with explain_errors(_ERRORS):
        block = call_with_use_cases(settings, add, [BLOCKS])
    return [f"Block {block.id} is active: {subject}, until {format_time(block.ends_at)}."]


def list_blocks(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """List the blocks that are active."""
    caller = find_operator()
    with explain_errors(_ERRORS):
        blocks = call_with_use_cases(
            settings, lambda use_cases: use_cases.of(BlocksFeature).list(caller), [BLOCKS]
        )
    if arguments.json:
        from msgspec import json

        from entrypoints.http.blocks.schemas import to_blocks_response

        return [json.encode(to_blocks_response(blocks)).decode()]
    return map(_render, blocks) if blocks else ["There are no blocks."]


def end_block(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """End a block."""
    block_id = parse_identifier(arguments.id)
    if block_id is None:
        raise InvalidArgument("This is not the id of a block: dialtone block list.")
    caller, reason = _parse_act(arguments, END_BLOCK)
    with explain_errors(_ERRORS):
        block = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(BlocksFeature).end(caller, block_id, reason),
            [BLOCKS],
        )
    return [f"Block {block.id} has ended: {block.subject}."]


def _parse_act(arguments: Namespace, act: Act) -> tuple[Caller, str]:
    caller = parse_operator(arguments)
    return caller, parse_reason_option(arguments.reason, is_required=caller.needs_reason(act))


def _parse_subject(arguments: Namespace) -> Subject:
    [(kind, text)] = [
        (kind, text) for kind in SubjectKind if (text := getattr(arguments, kind)) is not None
    ]
    with _naming(kind):
        return parse_subject(kind, text)


def _parse_end(arguments: Namespace) -> datetime | timedelta:
    if arguments.until is not None:
        with _naming("until"):
            return parse_time(arguments.until)
    with _naming("for"):
        return duration("1m", "400d")(arguments.duration)


@contextmanager
def _naming(option: str) -> Iterator[None]:
    try:
        yield
    except ConflictingValue:
        raise
    except InvalidValue as error:
        raise InvalidArgument(f"--{option}: {error.message}") from None


def _render(block: Block) -> str:
    added = f"added {format_time(block.created_at)} by {describe_actor(block.created_by)}"
    return f"{describe_block(block)}  ({added})"
