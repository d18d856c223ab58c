"""`dialtone import`: users from elsewhere."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.shared.command import CommandGroup
from entrypoints.commands.shared.options import ActOptions, optional_act_options

if TYPE_CHECKING:
    from application.features.imports.service_report import ReportedRow
    from entrypoints.settings.settings import Settings

_region_option: Final = click.option(
    "--region",
    metavar="COUNTRY",
    help="The country of numbers without a country code (default: DIALTONE_DEFAULT_REGION).",
)


import_group: Final = CommandGroup(
    "import",
    help="Import users from elsewhere.",
    subcommand_metavar="SOURCE [OPTIONS]",
    examples=["users users.csv --dry-run", "hookaba --help"],
)


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
    "fields are phone, id, external_id, username, created_at and blocked, others are an error.",
)
@click.option("--dry-run", is_flag=True, help="Only report: no user is written to the database.")
@click.option(
    "--ignore-blocks",
    is_flag=True,
    help="Import everybody as not blocked; without it, a file must say who is blocked.",
)
@_region_option
@click.option(
    "--rejected",
    metavar="FILE.csv",
    help="The file for lines that are not imported (default: FILE.rejected.csv).",
)
@click.option("--replace", is_flag=True, help="Replace the file of rejected lines if it exists.")
@optional_act_options  # not for a dry run
def users(
    settings: "Settings",
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
    from adapters.imports.user_files import UserFile
    from application.features.imports.import_user import ImportOutcome
    from application.ports.errors import StorageError
    from entrypoints.commands.features.imports.opening import parse_region_option, parse_run
    from entrypoints.commands.features.imports.report_file import open_report
    from entrypoints.commands.features.imports.users import UsersImport, render_counts
    from entrypoints.commands.shared.domain_errors import explain_errors
    from entrypoints.commands.shared.parsing import parse_file
    from entrypoints.opening.startup_error import CommandError, InvalidArgument, print_errors

    path = parse_file(file)
    country = parse_region_option(settings, region)
    run = parse_run(options, is_dry_run=dry_run)
    rejected_path = parse_file(rejected or f"{path}.rejected.csv")
    if rejected_path.exists() and rejected_path.samefile(path):
        raise InvalidArgument("--rejected names the file to import: name another file.")
    user_file = UserFile(path=path, ignores_blocks=ignore_blocks)
    with open_report(rejected_path, replaces=replace) as lines, explain_errors():
        job = UsersImport(settings, user_file, country, lines)
        try:
            counts = asyncio.run(job.run(run))
        except StorageError:
            print_errors(lines.how_to_continue)
            raise
    if dry_run:
        yield "This is a dry run: nothing was imported."
    yield from render_counts(counts)
    if not lines.is_empty:
        yield f"{rejected_path} lists them. Only its owner can read it."
    if not counts.is_complete:
        print_errors(lines.how_to_continue)
        raise KeyboardInterrupt
    if count := counts.outcomes[ImportOutcome.REJECTED]:
        raise CommandError(f"Lines that are not imported: {count:,}.")


@import_group.command(
    examples=[
        "--from env:HOOKABA_MONGO_URI --files s3://hookaba-images --dry-run",
        "--from mongodb://127.0.0.1:27017/hookaba --files s3://hookaba-images --reason 'move'",
        "--from env:HOOKABA_MONGO_URI --files file:copy --bucket hookaba-images --reason 'move'",
    ],
)
@click.option(
    "--from",
    "source",
    metavar="URL",
    required=True,
    help="Its database: mongodb://host/name, or env:NAME of a variable that has the URL.",
)
@click.option(
    "--files",
    metavar="PLACE",
    help="Its files: s3://bucket, or file:path of a copy of the bucket; without it, users only.",
)
@click.option(
    "--bucket",
    metavar="NAME",
    help="The bucket in the URLs of its library, if --files is a folder or another bucket.",
)
@_region_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only report: no record and no file is written, and no image is decoded.",
)
@click.option(
    "--report",
    metavar="FILE.csv",
    help="The file for rows that are not imported; default: a new one in the current folder.",
)
@click.option("--replace", is_flag=True, help="Replace the file of --report if it exists.")
@optional_act_options  # not for a dry run
def hookaba(
    settings: "Settings",
    source: str,
    files: str | None,
    bucket: str | None,
    region: str | None,
    report: str | None,
    options: ActOptions,
    *,
    dry_run: bool,
    replace: bool,
) -> Iterable[str]:
    """Import users, library and files of hookaba-backend, which is only read.

    Repeat it to continue, or to import what is new there. See docs/importing.md.
    """
    from application.ports.errors import PortError
    from entrypoints.commands.features.imports.hookaba import (
        HookabaImport,
        explain_row,
        parse_source,
        render_report,
    )
    from entrypoints.commands.features.imports.opening import parse_region_option, parse_run
    from entrypoints.commands.features.imports.report_file import open_report
    from entrypoints.commands.shared.domain_errors import explain_errors
    from entrypoints.commands.shared.new_file import interrupt_on_signals
    from entrypoints.commands.shared.parsing import parse_file
    from entrypoints.opening.startup_error import CommandError, print_errors

    country = parse_region_option(settings, region)
    run = parse_run(options, is_dry_run=dry_run)
    job = HookabaImport(settings, parse_source(settings, source), files, bucket, country)
    path = parse_file(report or f"import-hookaba-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.csv")
    reasons = Counter[tuple[str, str]]()
    with interrupt_on_signals(), open_report(path, replaces=replace) as file, explain_errors():

        def report_row(row: "ReportedRow") -> None:
            header = ("kind", "id", "is_imported", "reason", "message")
            is_imported = "no" if row.is_rejected else "yes"
            file.write(header, (row.kind, row.id, is_imported, row.reason, explain_row(row)))
            reasons[row.kind, row.reason] += 1

        try:
            result = asyncio.run(job.run(run, report_row))
        except (KeyboardInterrupt, PortError):
            print_errors(file.how_to_continue)
            raise
        except OSError as error:
            raise CommandError(
                f"A temporary file cannot be written ({error.strerror}): free some space in the "
                "folder of TMPDIR, and run the command again to continue."
            ) from None
    if dry_run:
        yield "This is a dry run: nothing was imported."
    yield from render_report(result, is_dry_run=dry_run)
    yield from (f"{kind} {reason}: {count}" for (kind, reason), count in sorted(reasons.items()))
    if reasons:
        yield f"{path} lists them by id. Only its owner can read it."
    if result.has_differences:
        raise CommandError(
            "What is stored differs from what was read: the report lists it as differs. Run the "
            "command again, and look into the log of the database and of the media store."
        )
    if result.rejected:
        raise CommandError(f"Users and items that are not imported: {result.rejected}.")


FEATURE_COMMANDS: Final = FeatureCommands(commands=[import_group])
