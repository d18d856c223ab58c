"""What a command is."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of `dialtone`.

    Attributes:
        name: Its name.
        help: What it does. The first sentence is its line in the list of commands.
        examples: Arguments of `dialtone`, such as `voice urls`.
        add_arguments: Declares its arguments.
        run: Yields or returns the lines to print. It imports what it needs when it is called.
    """

    name: str
    help: str
    examples: tuple[str, ...]
    add_arguments: Callable[[ArgumentParser], None]
    run: "Callable[[Settings, Namespace], Iterable[str]]"
