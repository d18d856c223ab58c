"""The command of warnings of pumping."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.pumping.acts import END_WARNING
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import ID, REASON_OPTION, add_act_options, add_json_option

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _list(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.pumping.pumping import list_warnings

    return list_warnings(settings, arguments)


def _add_end(command: ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help="the id of the warning, as `list` shows it")
    add_act_options(command)


def _end(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.pumping.pumping import end_warning

    return end_warning(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="pumping",
        help="List and end warnings of countries where codes are not entered.",
        examples=("pumping list", f"pumping end {ID} {REASON_OPTION}"),
        actions=(
            Command(
                name="list",
                help="List the warnings that are open.",
                examples=("list", "list --json"),
                add_arguments=add_json_option,
                run=_list,
            ),
            Command(
                name=END_WARNING.name,
                help="End a warning. For a day there is no other one like it.",
                examples=(f"end {ID} {REASON_OPTION}",),
                add_arguments=_add_end,
                run=_end,
            ),
        ),
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(commands=_COMMANDS)
