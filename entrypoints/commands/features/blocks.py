"""`dialtone block`: add, list and end blocks."""

from collections.abc import Iterable
from typing import Final

import click
from msgspec import json

from application.features.blocks import ADD_BLOCK, END_BLOCK, Blocks
from domain.features.blocks import Block, BlockNotFound, SubjectKind, parse_subject, parse_time
from domain.identifier import parse_identifier
from entrypoints.commands.shared.command import CommandGroup
from entrypoints.commands.shared.operator_name import find_operator
from entrypoints.commands.shared.options import (
    ID,
    REASON,
    ActOptions,
    act_options,
    exactly_one,
    json_option,
)
from entrypoints.commands.shared.parsing import name_option
from entrypoints.commands.shared.use_case_calls import call_feature
from entrypoints.features.blocks import BLOCKS
from entrypoints.http.features.blocks.fields import describe_block, to_block_response
from entrypoints.settings.parsers import duration
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import InvalidArgument
from entrypoints.texts.acts import describe_actor, format_time

_EXAMPLE: Final = f"--prefix +4479 --for 2h {REASON}"


block: Final = CommandGroup(
    "block",
    help="Block a number prefix, a network or a country for a time.",
    examples=[f"add {_EXAMPLE}", "list", f"end {ID} {REASON}"],
)


@block.command(
    examples=[
        _EXAMPLE,
        f"--network 203.0.113.0/24 --for 1d {REASON}",
        f"--country GB --until 2026-05-01T09:30Z {REASON}",
    ]
)
@click.option(
    "--prefix",
    metavar="PREFIX",
    help="No code goes to numbers that begin so: +, the country code and further digits.",
)
@click.option(
    "--network",
    metavar="NETWORK",
    help="No code is sent for requests from this network, such as 203.0.113.0/24, and no passkey "
    "signs in from it; everything else goes on.",
)
@click.option("--country", metavar="COUNTRY", help="No code goes to this country, such as GB.")
@click.option(
    "--for", "for_", metavar="DURATION", help="For how long it holds, from 1m to 400d, such as 2h."
)
@click.option("--until", metavar="TIME", help="Until when it holds, such as 2026-05-01T09:30Z.")
@act_options
def add(
    settings: Settings,
    for_: str | None,
    until: str | None,
    options: ActOptions,
    **subjects: str | None,
) -> Iterable[str]:
    """Add a block. All instances apply it within five seconds."""
    exactly_one(**subjects)
    exactly_one(for_=for_, until=until)
    [(kind, text)] = [(kind, text) for kind, text in subjects.items() if text]
    with name_option(f"--{kind}"):
        subject = parse_subject(SubjectKind(kind), text)
    end_option = "--until" if until else "--for"
    with name_option(end_option):
        end = parse_time(until) if until else duration("1m", "400d")(for_ or "")
    operator, reason = options.parse(ADD_BLOCK)

    async def add_block(blocks: Blocks) -> Block:
        with name_option(end_option):
            return await blocks.add(operator, subject, end, reason)

    added = call_feature(settings, BLOCKS, add_block)
    return [f"Block {added.id} is active: {subject}, until {format_time(added.ends_at)}."]


@block.command("list", examples=["", "--json"])
@json_option
def list_blocks(settings: Settings, *, as_json: bool) -> Iterable[str]:
    """List the blocks that are active."""
    operator = find_operator()
    blocks = call_feature(settings, BLOCKS, lambda blocks: blocks.list(operator))
    if as_json:
        return [json.encode(each).decode() for each in map(to_block_response, blocks)]
    return [
        f"{describe_block(block)}  (added {format_time(block.created_at)} by "
        f"{describe_actor(block.created_by)})"
        for block in blocks
    ] or ["There are no blocks."]


@block.command(examples=[f"{ID} {REASON}"])
@click.argument("block_id", metavar="ID", help="The id of the block, as `list` shows it.")
@act_options
def end(settings: Settings, block_id: str, options: ActOptions) -> Iterable[str]:
    """End a block. All instances stop to apply it within five seconds."""
    parsed_id = parse_identifier(block_id)
    if parsed_id is None:
        raise InvalidArgument("This is not the id of a block: dialtone block list.")
    operator, reason = options.parse(END_BLOCK)
    ended = call_feature(
        settings,
        BLOCKS,
        lambda blocks: blocks.end(operator, parsed_id, reason),
        {BlockNotFound: "No block with this id is active: dialtone block list."},
    )
    return [f"Block {ended.id} has ended: {ended.subject}."]
