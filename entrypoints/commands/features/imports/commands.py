"""`dialtone import`: users and their pictures from elsewhere."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import click

from entrypoints.commands.features.imports.jobs import make_items_job, make_users_job
from entrypoints.commands.shared.command import CommandGroup
from entrypoints.commands.shared.options import ActOptions, optional_act_options
from entrypoints.settings.settings import Settings

import_group: Final = CommandGroup(
    "import",
    help="Import users and their pictures from elsewhere.",
    subcommand_metavar="KIND FILE [OPTIONS]",
    examples=["users users.csv --dry-run", "items items.jsonl --files copy --dry-run"],
)


def _shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        optional_act_options,  # not for a dry run
        click.option(
            "--replace",
            is_flag=True,
            help="Replace the file of rejected lines of an earlier import, at the end. What is"
            " imported already is never replaced.",
        ),
        click.option(
            "--rejected",
            metavar="FILE.csv",
            help="The file for lines that are not imported (default: FILE.rejected.csv).",
        ),
        click.option("--dry-run", is_flag=True, help="Only report: the database stays as it is."),
    ):
        command = option(command)
    return command


@import_group.command(
    examples=[
        "users.csv --dry-run",
        "users.jsonl --reason 'move from Firebase'",
        "users.csv.rejected.csv --region IN --reason 'move'",
    ],
)
@click.argument(
    "file",
    help="The file, in UTF-8: JSON lines if it begins with {, otherwise CSV with a header. Its "
    "fields are phone, id, external_id, username, created_at, blocked and claims; others are an "
    "error.",
)
@click.option(
    "--ignore-blocks",
    is_flag=True,
    help="Import everybody as not blocked; without it, a file must say who is blocked.",
)
@click.option(
    "--region",
    metavar="COUNTRY",
    help="The country of numbers without a country code (default: DIALTONE_DEFAULT_REGION).",
)
@_shared_options
def users(
    settings: Settings,
    file: str,
    region: str | None,
    rejected: str | None,
    options: ActOptions,
    *,
    dry_run: bool,
    ignore_blocks: bool,
    replace: bool,
) -> Iterable[str]:
    """Import users from a file: CSV with a header, or JSON lines.

    Repeat it to continue. docs/importing.md has recipes for users of other services.
    """
    job = make_users_job(settings, file, region, ignores_blocks=ignore_blocks)
    return job.run(options, rejected, is_dry_run=dry_run, replaces=replace)


@import_group.command(
    examples=[
        "items.jsonl --files copy --dry-run",
        "items.jsonl --files /srv/copy --reason 'move from Firebase'",
    ],
)
@click.argument(
    "file",
    help="The file, in UTF-8: JSON lines if it begins with {, otherwise CSV with a header. Its "
    "fields are id, owner, created_at, category and file; others are an error.",
)
@click.option(
    "--files",
    "folder",
    metavar="DIR",
    required=True,
    help="The folder with the pictures: file is a path in it.",
)
@_shared_options
def items(
    settings: Settings,
    file: str,
    folder: str,
    rejected: str | None,
    options: ActOptions,
    *,
    dry_run: bool,
    replace: bool,
) -> Iterable[str]:
    """Import pictures of users who are imported, from JSON lines and a folder.

    Repeat it to continue. A dry run decodes no picture.
    """
    job = make_items_job(settings, file, folder)
    return job.run(options, rejected, is_dry_run=dry_run, replaces=replace)
