"""`dialtone user export`."""

import os
from collections.abc import Iterable

import click

from application.administration.find_user import FoundUser
from application.features.export import EXPORT as ACT
from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.new_file import create_file, explain_write_errors
from entrypoints.commands.shared.options import (
    PHONE,
    REASON,
    ActOptions,
    act_options,
    user_argument,
)
from entrypoints.commands.shared.parsing import parse_file
from entrypoints.commands.shared.progress import show_progress
from entrypoints.commands.shared.user_calls import UserCall, call_for_user
from entrypoints.composition.features import FEATURES
from entrypoints.features.export import EXPORT
from entrypoints.http.features.export.archive import write_archive
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import print_errors


@click.command(cls=Command, examples=[f"{PHONE} --output alice.zip {REASON}"])
@user_argument
@click.option(
    "--output",
    metavar="FILE.zip",
    required=True,
    help="The file to create, with mode 0600; an existing one is never changed.",
)
@act_options
def export(settings: Settings, user: str, output: str, options: ActOptions) -> Iterable[str]:
    """Write all data of a user to a ZIP file, with a page that explains it."""
    path = parse_file(output)
    features = [feature for feature in FEATURES if feature.adds_to_export]
    with create_file(path) as file:

        async def write(call: UserCall) -> tuple[FoundUser, int]:
            export_user = EXPORT.of(call.use_cases).export_user
            async with export_user(call.operator, call.query, call.reason) as opened:
                with show_progress() as show:
                    async for part in write_archive(opened):
                        with explain_write_errors(path):
                            file.write(part)
                        show("kB written", file.tell() // 1000)
                # A full disk may say so only now; then the export has failed for the audit too.
                with explain_write_errors(path):
                    file.flush()
                    os.fsync(file.fileno())
                opened.complete()
            return call.user, opened.missing_files

        found, missing = call_for_user(settings, user, options, write, [EXPORT, *features], act=ACT)
        size = file.tell()
    if missing:
        print_errors(
            f"Files that are no longer in the store: {missing}. not_included.json names them."
        )
    shown_size = f"{size / 10**6:.1f} MB" if size >= 10**6 else f"{size / 10**3:.1f} kB"
    yield f"{path} has the data of {found.subject}: {shown_size}."
    yield f"Only its owner (uid {os.geteuid()}) can read it."
