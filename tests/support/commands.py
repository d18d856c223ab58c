"""The commands of `dialtone`, as tests look at them and call them."""

from collections.abc import Iterator, Sequence

import click

from entrypoints.commands.dialtone import make_dialtone
from entrypoints.commands.shared.command import CommandGroup
from entrypoints.settings.settings import Settings


def call(command: click.Command, settings: Settings, *arguments: str) -> Sequence[str]:
    """Return the lines of a command. Its errors are raised."""
    with command.make_context(command.name, [*arguments]) as context:
        assert command.callback is not None
        return list(context.invoke(command.callback, settings, **context.params))


def all_commands(parent: click.Context | None = None) -> Iterator[click.Context]:
    """Yield the context of `dialtone` and of each command below it."""
    context = parent or click.Context(make_dialtone(), info_name="dialtone")
    yield context
    if isinstance(context.command, CommandGroup):
        for name, command in context.command.commands.items():
            yield from all_commands(click.Context(command, context, name))
