"""The commands of the features that are installed.

They are found by their packages: the module of a feature declares its settings, and to import it is
too slow for `--help`.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from domain.administration.scope import Scope
from entrypoints.commands.command import Command

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCommands:
    """What a package in `entrypoints/commands` has in its module `commands`.

    Attributes:
        commands: Commands of `dialtone`.
        user_actions: Actions of `dialtone user`.
        subject: What the program does with it, for the first line of the help.
        tried: What `check-settings --connect` tries, for the help of that command.
        add_checks: Adds options of `check-settings` that imply `--connect`. Each appends a function
            to `more_checks`, which returns checks of the settings by the names of their parts.
        not_copied: What `dialtone copy` leaves, in a sentence.
        add_channels: Adds the options of `dialtone user send-code` for its channels. Each sets
            `channel`.
        channel_example: The action `send-code` with such an option.
        scopes: The scopes of service tokens that it has a use for.
    """

    commands: Sequence[Command] = ()
    user_actions: Sequence[Command] = ()
    subject: str = ""
    tried: str = ""
    add_checks: Callable[[ArgumentParser], None] | None = None
    not_copied: str = ""
    add_channels: Callable[[ArgumentParser], None] | None = None
    channel_example: str = ""
    scopes: Sequence[Scope] = ()


def find_feature_commands() -> Sequence[FeatureCommands]:
    """Return the commands of each feature that is installed and has some."""
    names = sorted(file.parent.name for file in _FOLDER.glob("*/commands.py"))
    modules = [import_module(f"entrypoints.commands.{name}.commands") for name in names]
    return [module.FEATURE_COMMANDS for module in modules]
