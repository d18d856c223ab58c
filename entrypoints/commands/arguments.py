"""The parser of all commands, and the help."""

import argparse
import re
from collections.abc import Sequence
from typing import Final, NoReturn

from entrypoints.commands.command import Command, add_commands
from entrypoints.commands.core import core_commands
from entrypoints.commands.feature_commands import FeatureCommands, find_feature_commands
from entrypoints.version.distribution import describe_version

_HELP: Final = """\
commands:
{commands}

examples:
  dialtone run
  dialtone user show +14155552671
  dialtone user send-code --help

Settings are environment variables, or lines of the file .env in the current folder.
.env.example lists all of them."""

_URL: Final = re.compile(r"(?<=://)\S+")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors show no URL: it may have a password."""

    def error(self, message: str) -> NoReturn:
        """Print the message, and exit."""
        super().error(_URL.sub("(hidden)", message))


def list_commands(features: Sequence[FeatureCommands]) -> Sequence[Command]:
    """Return the commands of the core and of features."""
    of_features = [command for feature in features for command in feature.commands]
    return [*core_commands(features), *of_features]


def make_parser(
    features: Sequence[FeatureCommands] | None = None,
) -> argparse.ArgumentParser:
    """Return the parser of all commands.

    The parsed arguments have the command, or its action, in `selected_command`.

    Args:
        features: The commands of features; by default those of the features that are installed.
    """
    if features is None:
        features = find_feature_commands()
    parser: argparse.ArgumentParser = _Parser(
        prog="dialtone",
        usage="dialtone [--help] [--version] COMMAND ...",
        description=_describe(features),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dialtone {describe_version()}")
    commands = parser.add_subparsers(
        prog="dialtone", dest="command", required=True, metavar="COMMAND", help=argparse.SUPPRESS
    )
    add_commands(commands, "dialtone", list_commands(features))
    # argparse's own list puts the longest name on a line of its own.
    width = max(map(len, commands.choices))
    parser.epilog = _HELP.format(
        commands="\n".join(
            f"  {name:<{width}} {str(command.description).partition('.')[0]}"
            for name, command in commands.choices.items()
        )
    )
    return parser


def _describe(features: Sequence[FeatureCommands]) -> str:
    subjects = ["Phone number sign-in", "users", *filter(None, (each.subject for each in features))]
    return f"{', '.join(subjects[:-1])} and {subjects[-1]} over HTTP."
