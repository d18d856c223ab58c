"""The commands of the features that are installed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import click

_FOLDER: Final = Path(__file__).parent / "features"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCommands:
    """What a module of `entrypoints/commands/features` has, or `commands` of a package there.

    Attributes:
        subject: What the program does with it, for the first line of the help.
        tried: What `check-settings --connect` tries, for the help of that command.
        check_options: Options of `check-settings` that imply `--connect`. The value of each is a
            function, which returns checks of the settings by the names of their parts.
        not_copied: What `dialtone copy` leaves, in a sentence.
    """

    commands: Sequence[click.Command] = ()
    user_actions: Sequence[click.Command] = ()
    user_examples: Sequence[str] = ()
    subject: str = ""
    tried: str = ""
    check_options: Sequence[click.Option] = ()
    not_copied: str = ""
    scopes: Sequence[str] = ()


def find_feature_commands() -> Sequence[FeatureCommands]:
    """Find them by their packages: to import all features is too slow for `--help`."""
    modules = [import_module(f"entrypoints.commands.features.{name}") for name in _find_modules()]
    return [module.FEATURE_COMMANDS for module in modules]


def _find_modules() -> Iterator[str]:
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix == ".py" and path.stem != "__init__":
            yield path.stem
        elif (path / "commands.py").is_file():
            yield f"{path.name}.commands"
