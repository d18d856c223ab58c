"""The command of blocks."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.blocks.acts import ADD_BLOCK, END_BLOCK
from domain.administration.scope import Scope
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import ID, REASON_OPTION, add_act_options, add_json_option

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_add(command: ArgumentParser) -> None:
    subjects = command.add_mutually_exclusive_group(required=True)
    subjects.add_argument(
        "--prefix",
        metavar="PREFIX",
        help="no code goes to numbers that begin so: +, the country code and further digits",
    )
    subjects.add_argument(
        "--network",
        metavar="NETWORK",
        help="no code is sent for requests from this network, such as 203.0.113.0/24; everything "
        "else goes on",
    )
    subjects.add_argument(
        "--country", metavar="COUNTRY", help="no code goes to this country, such as GB"
    )
    ends = command.add_mutually_exclusive_group(required=True)
    ends.add_argument(
        "--for",
        dest="duration",
        metavar="DURATION",
        help="for how long it holds, from 1m to 400d, such as 2h",
    )
    ends.add_argument(
        "--until", metavar="TIME", help="until when it holds, such as 2026-05-01T09:30Z"
    )
    add_act_options(command)


def _add(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.blocks.blocks import add_block

    return add_block(settings, arguments)


def _list(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.blocks.blocks import list_blocks

    return list_blocks(settings, arguments)


def _add_end(command: ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help="the id of the block, as `list` shows it")
    add_act_options(command)


def _end(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.blocks.blocks import end_block

    return end_block(settings, arguments)


_EXAMPLE: Final = f"add --prefix +4479 --for 2h {REASON_OPTION}"
_COMMANDS: Final = (
    Command(
        name="block",
        help="Block a number prefix, a network or a country for a time.",
        examples=(f"block {_EXAMPLE}", "block list", f"block end {ID} {REASON_OPTION}"),
        actions=(
            Command(
                name=ADD_BLOCK.name,
                help="Add a block. All instances apply it within five seconds.",
                examples=(
                    _EXAMPLE,
                    f"add --network 203.0.113.0/24 --for 1d {REASON_OPTION}",
                    f"add --country GB --until 2026-05-01T09:30Z {REASON_OPTION}",
                ),
                add_arguments=_add_add,
                run=_add,
            ),
            Command(
                name="list",
                help="List the blocks that are active.",
                examples=("list", "list --json"),
                add_arguments=add_json_option,
                run=_list,
            ),
            Command(
                name=END_BLOCK.name,
                help="End a block. All instances stop to apply it within five seconds.",
                examples=(f"end {ID} {REASON_OPTION}",),
                add_arguments=_add_end,
                run=_end,
            ),
        ),
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(
    commands=_COMMANDS, scopes=(Scope.READ_BLOCKS, Scope.WRITE_BLOCKS)
)
