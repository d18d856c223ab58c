"""`dialtone copy`."""

import asyncio
from collections.abc import Iterable
from typing import Final

import click

from application.ports.errors import StorageError
from entrypoints.commands.operations.copy_jobs import (
    Place,
    copy_records,
    load_keys_of,
    load_other_keys,
    plan_copy,
)
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.parsing import find_url, name_option
from entrypoints.commands.table import OF_FEATURES
from entrypoints.parts.missing_data import check_keys_exist
from entrypoints.settings.adapter_parsers import parse_database
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import CommandError
from entrypoints.settings.values import DatabaseLocation

_PLACE: Final = (
    "A URL as in DIALTONE_DATABASE, or env:NAME if NAME, or the file in NAME_FILE, has it"
)
_NOT_COPIED: Final = [each.not_copied for each in OF_FEATURES.values() if each.not_copied]


@click.command(
    cls=Command,
    help=" ".join(
        [
            "Copy all records of a database to an empty one, which may be of another kind. "
            "Stop all instances of the service first. Run it again after an interruption.",
            *_NOT_COPIED,
        ]
    ),
    examples=[
        "--from sqlite:///var/dialtone.db --to env:NEW_DATABASE --dry-run",
        "--from sqlite:///var/dialtone.db --to env:NEW_DATABASE",
        "--from env:DIALTONE_DATABASE --to env:NEW_DATABASE --to-secrets-file new.json",
    ],
    needs_data=False,
)
@click.option("--from", "source", metavar="URL", required=True, help=f"{_PLACE}.")
@click.option(
    "--to",
    "target",
    metavar="URL",
    required=True,
    help=f"{_PLACE}; the list of processes shows arguments to everybody, also a password.",
)
@click.option(
    "--to-secrets-file",
    "keys_file",
    metavar="FILE",
    help="The keys of the target: its keys of phone_index and phone_encryption may be others.",
)
@click.option("--dry-run", is_flag=True, help="Count records; nothing is changed.")
@click.option("--force", is_flag=True, help="Copy a database that was copied before.")
def copy(
    settings: Settings,
    source: str,
    target: str,
    keys_file: str | None,
    *,
    dry_run: bool,
    force: bool,
) -> Iterable[str]:
    """Copy, or only count."""
    check_keys_exist(settings)
    from_ = _parse_place(settings, source, "--from")
    to = _parse_place(settings, target, "--to")
    keys = of_target = load_keys_of(settings)
    if keys_file is not None:
        of_target = load_other_keys(settings, keys_file)
    places = Place("--from", from_, keys), Place("--to", to, of_target)
    if dry_run:
        return asyncio.run(plan_copy(*places, force=force))
    try:
        return asyncio.run(copy_records(*places, keys_file, _NOT_COPIED, force=force))
    except StorageError as error:
        raise CommandError(
            f"The copy has stopped: {error}. Start the same command again: it continues."
        ) from error


def _parse_place(settings: Settings, text: str, option: str) -> DatabaseLocation:
    """Parse a URL, or the name of a variable that has one. No error quotes it."""
    if text == "env:DIALTONE_DATABASE" and not settings.is_set("DIALTONE_DATABASE"):
        return settings.database  # the default
    with name_option(option):
        return parse_database(find_url(settings, option, text))
