"""The action of `dialtone user` that lists users."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.administration.acts import scopes_of
from application.user_list.acts import LIST
from domain.identities.role import Role
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import REASON_OPTION, add_act_options

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_list(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=["jsonl", "csv"],
        default="jsonl",
        help="jsonl: a JSON object in each line; csv: with a header, and with ' before what a "
        "spreadsheet would run (default: jsonl)",
    )
    filters = parser.add_mutually_exclusive_group()
    filters.add_argument(
        "--created-since",
        metavar="TIME",
        help="only users that were created then or later, such as 2026-05-01T09:30:00Z",
    )
    filters.add_argument(
        "--blocked", choices=["true", "false"], help="only users that are blocked, or the others"
    )
    filters.add_argument("--role", choices=[*Role], help="only users with this role")
    add_act_options(parser)


def _list(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.user_list.list_users import list_users

    return list_users(settings, arguments)


_USER_ACTIONS: Final = (
    Command(
        name=LIST.name,
        help="Print all users, those first that were created first, with masked numbers.",
        examples=(
            f"{LIST.name} {REASON_OPTION}",
            f"{LIST.name} --created-since 2026-05-01 --format csv {REASON_OPTION}",
            f"{LIST.name} --blocked true {REASON_OPTION}",
        ),
        add_arguments=_add_list,
        run=_list,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(user_actions=_USER_ACTIONS, scopes=scopes_of([LIST]))
