"""The commands of the features that are installed.

They are found by their packages: the module of a feature declares its settings, and to import it is
too slow for `--help`.
"""

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
        commands: Commands of `dialtone`.
        user_actions: Actions of `dialtone user`.
        user_examples: Examples of them for the help of `dialtone user`.
        subject: What the program does with it, for the first line of the help.
        tried: What `check-settings --connect` tries, for the help of that command.
        check_options: Options of `check-settings` that imply `--connect`. The value of each is a
            function, which returns checks of the settings by the names of their parts.
        not_copied: What `dialtone copy` leaves, in a sentence.
        scopes: The scopes of service tokens that it has a use for.
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
    """Return the commands of each feature that is installed and has some."""
    modules = [import_module(f"entrypoints.commands.features.{name}") for name in _find_modules()]
    return [module.FEATURE_COMMANDS for module in modules]


def _find_modules() -> Iterator[str]:
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix == ".py" and path.stem != "__init__":
            yield path.stem
        elif (path / "commands.py").is_file():
            yield f"{path.name}.commands"
