"""The commands of `dialtone`."""

from typing import Final

import click

from entrypoints.commands.shared.command import CommandGroup
from entrypoints.commands.shared.printing import print_line
from entrypoints.commands.table import CORE, OF_FEATURES


def _describe() -> str:
    subjects = [each.subject for each in OF_FEATURES.values() if each.subject]
    *first, last = ["Phone number sign-in", "users", *subjects]
    return f"{', '.join(first)} and {last} over HTTP."


def _print_version(ctx: click.Context, _: click.Parameter, is_given: bool) -> None:
    if not is_given:
        return
    from entrypoints.parts.version import describe_version  # it reads the installed package

    print_line(f"dialtone {describe_version()}")
    ctx.exit()


dialtone: Final = CommandGroup(
    "dialtone",
    help=f"{_describe()}\n\nSettings are environment variables, or lines of the file .env in the "
    "current folder. .env.example lists all of them.",
    examples=["run", "user show +14155552671", "user block --help"],
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the version and exit.",
        )
    ],
)
for additions in (CORE, *OF_FEATURES.values()):
    for command in additions.commands:
        dialtone.add_command(command)
