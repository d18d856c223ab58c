"""The command of budgets: `budgets`."""

from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from domain.administration.scope import Scope
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import add_json_option

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _budgets(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.budgets.budgets import budgets

    return budgets(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="budgets",
        help="Show the budgets of messages and calls, and what was used of each within 24 hours.",
        examples=("budgets", "budgets --json"),
        add_arguments=add_json_option,
        run=_budgets,
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(commands=_COMMANDS, scopes=(Scope.READ_COSTS,))
