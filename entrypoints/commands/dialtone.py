"""The commands of `dialtone`."""

from collections.abc import Sequence

import click

from entrypoints.commands.administration.audit import audit
from entrypoints.commands.administration.user_commands import user_command
from entrypoints.commands.feature_commands import FeatureCommands, find_feature_commands
from entrypoints.commands.operations.backup import backup, restore
from entrypoints.commands.operations.check_settings import check_settings_command
from entrypoints.commands.operations.cleanup import cleanup
from entrypoints.commands.operations.copy import copy_command
from entrypoints.commands.operations.keys import keys
from entrypoints.commands.operations.migrate import migrate
from entrypoints.commands.operations.run import run
from entrypoints.commands.shared.command import CommandGroup


def make_dialtone(features: Sequence[FeatureCommands] | None = None) -> CommandGroup:
    """Return `dialtone` with all commands, by default with those of the installed features."""
    if features is None:
        features = find_feature_commands()
    dialtone = CommandGroup(
        "dialtone",
        help=f"{_describe(features)}\n\nSettings are environment variables, or lines of the file "
        ".env in the current folder. .env.example lists all of them.",
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
    for command in [
        run,
        check_settings_command(features),
        cleanup,
        migrate,
        backup,
        restore,
        copy_command(features),
        keys,
        user_command(features),
        audit,
        *(command for feature in features for command in feature.commands),
    ]:
        dialtone.add_command(command)
    return dialtone


def _describe(features: Sequence[FeatureCommands]) -> str:
    subjects = ["Phone number sign-in", "users", *filter(None, (each.subject for each in features))]
    return f"{', '.join(subjects[:-1])} and {subjects[-1]} over HTTP."


def _print_version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if not is_asked:
        return
    from entrypoints.commands.shared.printing import print_line
    from entrypoints.parts.version import describe_version

    print_line(f"dialtone {describe_version()}")
    ctx.exit()
