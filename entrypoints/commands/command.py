"""What a command is, and an action of one."""

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


def _add_nothing(_: ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of `dialtone`, or an action of one, such as `show` of `dialtone user`.

    Attributes:
        name: Its name.
        help: What it does. The first sentence is its line in the list of commands.
        examples: Its name with arguments, such as `flow check`.
        add_arguments: Declares its arguments.
        run: Yields or returns the lines to print, of the settings and the arguments. It imports
            what it needs when it is called. None if the command has actions.
        actions: Its actions. Each has a `run` of its own.
        kind_of_actions: What the help calls an action.
        example_of_command: Of an action: an example that the help of its command has too.
        reads_settings: Whether it needs valid settings. If not, `run` gets None instead.
        checks_files: Whether the files that the settings name are checked with the settings. Other
            commands can help while the files are not valid.
    """

    name: str
    help: str
    examples: Sequence[str]
    add_arguments: Callable[[ArgumentParser], None] = _add_nothing
    run: Callable[[Any, Namespace], Iterable[str]] | None = None
    actions: "Sequence[Command]" = ()
    kind_of_actions: str = "action"
    example_of_command: str = ""
    reads_settings: bool = True
    checks_files: bool = False


def add_commands(
    parsers: "argparse._SubParsersAction[ArgumentParser]", prog: str, commands: Sequence[Command]
) -> None:
    """Add the parsers of commands; each has its command as `selected_command`.

    Args:
        parsers: Where a parser keeps the parsers of its commands.
        prog: How an example begins.
        commands: The commands.
    """
    for command in commands:
        parser = parsers.add_parser(
            command.name,
            help=command.help.partition(". ")[0].removesuffix("."),
            # argparse takes it for a format only in the list of commands.
            description=command.help.replace("%%", "%"),
            epilog="\n".join(["examples:", *(f"  {prog} {line}" for line in command.examples)]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(selected_command=command)
        command.add_arguments(parser)
        if command.actions:
            kind, inner_prog = command.kind_of_actions, f"{prog} {command.name}"
            actions = parser.add_subparsers(
                prog=inner_prog,
                dest="action",
                required=True,
                metavar=kind.upper(),
                title=f"{kind}s",
            )
            add_commands(actions, inner_prog, command.actions)
