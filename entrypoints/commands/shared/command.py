"""A command of `dialtone`: one function with its options beside it.

    @click.command(cls=Command, examples=["--dry-run"])
    @click.argument("phone")
    @act_options  # --reason and --as, which the function gets as `options`
    def sign_out(settings: Settings, phone: str, options: ActOptions) -> Iterator[str]:
        \"\"\"End all sessions. The first sentence is the line in the list of commands.\"\"\"
        operator, reason = options.parse(SIGN_OUT)
        yield "a line to print"

- It has a line in `entrypoints/commands/table.py`. So that `--help` is fast, the table and this
  module import at the top only what lists need. Modules of commands import all at the top.
- It raises InvalidArgument (exit code 2) or CommandError (1), or calls `ctx.exit`.
- `reads_settings=False`: it gets no settings. `checks_files=True`: with those of files.
- Without a database and keys it ends with exit code 2. `needs_data=False`: it may create them, uses
  none, or checks what it needs.
- A command with actions is a `CommandGroup`, whose `@group.command(examples=...)` are commands.
"""

import os
import re
from collections.abc import Iterable, Sequence
from inspect import cleandoc
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

import click

from entrypoints.commands.shared.printing import print_line, print_result
from entrypoints.settings.startup_error import SettingsError

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings

_FIRST_SENTENCE: Final = re.compile(r"(.*?)\.?(?:\s*$|(?<=\.)\s)", re.DOTALL)


class _Helped(click.Command):
    """A command with examples in its help, and its whole first sentence in the list of commands."""

    def __init__(self, *args: Any, examples: Sequence[str], **attributes: Any) -> None:
        """Take examples: arguments, without the name of the command."""
        super().__init__(*args, **attributes)
        self.examples = examples
        if self.help and not self.short_help:
            first = _FIRST_SENTENCE.match(cleandoc(self.help))
            self.short_help = " ".join(first[1].split()) if first else None

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option whose text is printed as the output of commands is."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _print_help
        return option

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"  {ctx.command_path} {example}".rstrip() + "\n")


def _print_help(ctx: click.Context, _: click.Parameter, is_given: bool) -> None:
    if is_given and not ctx.resilient_parsing:
        print_line(ctx.get_help())
        ctx.exit()


class Command(_Helped):
    """A command that prints the lines that its function returns."""

    def __init__(
        self,
        *args: Any,
        reads_settings: bool = True,
        checks_files: bool = False,
        needs_data: bool = True,
        **attributes: Any,
    ) -> None:
        """Commands without `checks_files` can help while files of the settings are not valid."""
        super().__init__(*args, **attributes)
        self._needs_data = needs_data
        self._reads_settings = reads_settings
        self._checks_files = checks_files

    def invoke(self, ctx: click.Context) -> None:
        ctx.exit(print_result(lambda: self._call(ctx)))

    def _call(self, ctx: click.Context) -> Iterable[str]:
        _check_folder()
        assert self.callback is not None  # noqa: S101 -- a command without one is a group
        settings = []
        if self._reads_settings:
            settings.append(_read_settings(checks_files=self._checks_files))
            if self._needs_data:
                from entrypoints.parts.missing_data import check_data_exists

                check_data_exists(*settings)
        lines: Iterable[str] = ctx.invoke(self.callback, *settings, **ctx.params)
        return lines


class LazyCommand(click.Command):
    """A command in lists: its module is imported when it is called."""

    def __init__(self, place: str, short_help: str, *, name: str = "") -> None:
        """Take `module:attribute`; the name is by default that of the attribute."""
        super().__init__(name or place.partition(":")[2].replace("_", "-"), short_help=short_help)
        self._place = place

    def load(self) -> click.Command:
        """Import the command."""
        command: click.Command = resolve_name(self._place)
        return command


class CommandGroup(_Helped, click.Group):
    """A command with actions, which are commands. `examples` are arguments, as of a command."""

    command_class = Command

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, no_args_is_help=False, **attributes)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, others = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, others

    def list_commands(self, _: click.Context) -> list[str]:
        return [*self.commands]


def _check_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise SettingsError(
            f"The current folder is not usable ({error.strerror}). Start in another folder."
        ) from None


def _read_settings(*, checks_files: bool) -> "Settings":
    from adapters.operations.logging import configure_logging
    from entrypoints.composition.read_settings import read_settings
    from entrypoints.settings.env_file import ENV_FILE

    # An unexpected error in between must not print a traceback with the value of a secret.
    configure_logging("info", "auto")
    settings = read_settings(os.environ, ENV_FILE, checks_files=checks_files)
    configure_logging(settings.log_level, settings.log_format)
    return settings
