"""`dialtone import hookaba`: users, library and files of hookaba-backend."""

import asyncio
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from tempfile import TemporaryFile
from typing import Final, TypeVar
from urllib.parse import urlsplit

from adapters import hookaba
from adapters.records.outages import OutageRetries
from application.imports.feature import ImportsFeature
from application.imports.import_item import ItemOutcome, ItemProblem
from application.imports.import_user import ImportOutcome, ImportRun
from application.imports.service_report import ReportedRow, RowKind, ServiceImport, ServiceReport
from application.imports.user_lines import LineProblem
from application.ports.errors import ConfigurationError, PortError
from application.ports.import_source import SourceFiles
from domain.administration.audit import AuditAction
from domain.errors import InvalidValue
from domain.phone import parse_phone
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.imports.hookaba_files import open_hookaba_files
from entrypoints.commands.imports.opening import open_imports
from entrypoints.commands.imports.options import parse_import_reason, parse_region_option
from entrypoints.commands.imports.problems import PROBLEMS
from entrypoints.commands.imports.report_file import open_report
from entrypoints.commands.imports.unread_fields import render_unread
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import find_url, parse_file
from entrypoints.commands.progress import ProgressLine
from entrypoints.features.media import IMPORTED_MEDIA, MEDIA_RECORDS, MediaSettings
from entrypoints.opening.extras import check_extra
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import CommandError, InvalidArgument, print_errors
from entrypoints.settings.database_parsers import parse_database
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import MongoLocation

OutcomeT = TypeVar("OutcomeT", bound=StrEnum)

_TEXTS: Final[Mapping[RowKind, Mapping[str, str]]] = {
    RowKind.USER: {
        **{problem.value: text for problem, text in PROBLEMS.items()},
        LineProblem.REPEATED_PHONE.value: "Several users have this number.",
    },
    RowKind.ITEM: {
        ItemProblem.ID_IN_USE: "Another user has an item with this id.",
        ItemProblem.OWNER_NOT_IMPORTED: "Its user_id is no user who was imported.",
        ItemProblem.OTHER_BUCKET: "Its URL does not lead to the bucket of --files.",
        ItemProblem.FILE_MISSING: "Its file does not exist.",
    },
}
"""What is wrong with a row, where the row itself does not say it."""
_COLUMNS: Final = ("kind", "id", "is_imported", "reason", "message")
_SUBJECT: Final = "hookaba"


def import_hookaba(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Import users, library and files, or say what an import would do."""
    region = parse_region_option(settings, arguments.region)
    operator, reason = parse_operator(arguments), parse_import_reason(arguments)
    run = None if arguments.dry_run else ImportRun(operator.actor, f"{reason} (import hookaba)")
    url = _parse_source(settings, arguments.source)
    default_name = f"import-hookaba-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.csv"
    path = parse_file(arguments.report or default_name)
    reasons = Counter[tuple[str, str]]()
    with (
        open_report(path, _COLUMNS, replaces=arguments.replace) as write_row,
        explain_errors(),
    ):

        def report_row(row: ReportedRow) -> None:
            is_imported = "no" if row.is_rejected else "yes"
            message = row.message or _TEXTS[row.kind].get(row.reason, "")
            write_row((row.kind, row.id, is_imported, row.reason, message))
            reasons[row.kind, row.reason] += 1

        try:
            report = asyncio.run(_import(settings, arguments, url, region, report_row, run))
        except (KeyboardInterrupt, PortError):
            print_errors("What was imported stays. Run the command again to continue.")
            raise
        except OSError as error:
            raise CommandError(
                f"A temporary file cannot be written ({error.strerror}): free some space in the "
                "folder of TMPDIR, and run the command again to continue."
            ) from None
    if arguments.dry_run:
        yield "This is a dry run: nothing was imported."
    yield from _render(report, is_dry_run=arguments.dry_run)
    yield from (f"{kind} {reason}: {count}" for (kind, reason), count in sorted(reasons.items()))
    if reasons:
        yield f"{path} lists them by id. Only its owner can read it."
    else:
        path.unlink()
    if report.has_differences:
        raise CommandError(
            "What is stored differs from what was read: the report lists it as differs. Run the "
            "command again, and look into the log of the database and of the media store."
        )
    if report.rejected:
        raise CommandError(f"Users and items that are not imported: {report.rejected}.")


async def _import(
    settings: Settings,
    arguments: Namespace,
    url: str,
    region: str | None,
    report_row: Callable[[ReportedRow], None],
    run: ImportRun | None,
) -> ServiceReport:
    check_extra("mongo", "--from mongodb://")
    from adapters.mongo.source_database import open_source_database

    show_progress = ProgressLine()
    async with AsyncExitStack() as stack:
        with name_variable("--from"):
            database = await stack.enter_async_context(open_source_database(url))
            if hookaba.USERS not in database.names:
                raise ConfigurationError(
                    f"{database.location} has no collection {hookaba.USERS}: name the database of "
                    "hookaba-backend, as its MONGO_URI does."
                )
        urls: hookaba.BucketUrls | None = None
        files: SourceFiles | None = None
        if arguments.files is not None:
            opening_files = open_hookaba_files(
                arguments.files, arguments.bucket, settings.variables
            )
            with name_variable("--files"):
                urls, files = await stack.enter_async_context(opening_files)
        # The service of this machine decodes in processes of its own.
        settings = replace(settings, workers=1)
        opening = open_imports(
            settings,
            IMPORTED_MEDIA if files else MEDIA_RECORDS,
            OutageRetries(),
            is_dry_run=arguments.dry_run,
        )
        use_cases = await stack.enter_async_context(opening)
        parse = partial(
            parse_phone,
            default_region=region,
            rules=settings.http_otp().phone_rules,
        )
        users = database.collection(hookaba.USERS)
        library = database.collection(hookaba.LIBRARY)
        command = ServiceImport(
            read_users=lambda: hookaba.read_users(users, parse),
            read_items=lambda: hookaba.read_items(library, urls),
            count_items=library.count,
            files=files,
            max_file_bytes=settings.of(MediaSettings).max_upload_size,
            open_temporary_file=TemporaryFile,
            report_row=report_row,
            show_progress=lambda kind, done, total: show_progress(f"{kind}s", done, total),
            run=run,
        )
        imports = use_cases.of(ImportsFeature)
        if run is None:
            return await imports.import_service(command)
        async with imports.record_act(run.actor, AuditAction.IMPORT_USERS, _SUBJECT, run.reason):
            return await imports.import_service(command)


def _render(report: ServiceReport, *, is_dry_run: bool) -> Iterable[str]:
    yield from render_unread("Fields of users", "user", report.users.unread)
    yield from render_unread("Fields of library rows", "row", report.unread_items)
    yield f"users: {_render_outcomes(report.users.outcomes, ImportOutcome)}"
    if report.skipped_items is not None:
        yield f"items: {report.skipped_items} not imported, because there is no --files"
    else:
        yield f"items: {_render_outcomes(report.items, ItemOutcome)}"
    if is_dry_run:
        return
    for name, source, stored in (
        ("users", report.source_users, report.stored_users),
        ("items", report.source_items, report.stored_items),
    ):
        yield f"{name} read: {source.count}, SHA-256 {source.text}"
        yield f"{name} stored: {stored.count}, SHA-256 {stored.text}"
    source_files, stored_files = report.source_files, report.stored_files
    yield f"files read: {source_files.files}, {source_files.bytes} bytes"
    published = report.published_files
    yield f"files published, with variants: {published.files}, {published.bytes} bytes"
    yield f"files stored, with variants: {stored_files.files}, {stored_files.bytes} bytes"


def _render_outcomes(counts: Counter[OutcomeT], outcomes: type[OutcomeT]) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in outcomes if counts[name]) or "none"


def _parse_source(settings: Settings, text: str) -> str:
    try:
        database = parse_database(find_url(settings, "--from", text))
    except InvalidValue as error:
        raise InvalidArgument(f"--from: {error.message}") from None
    if not isinstance(database, MongoLocation):
        raise InvalidArgument("--from must be mongodb://host/name, or env:NAME of a variable.")
    own = settings.database
    if isinstance(own, MongoLocation) and _place_of(own) == _place_of(database):
        raise InvalidArgument(
            "--from is DIALTONE_DATABASE, and the database of the older service is only read: "
            "choose another name for ours."
        )
    return database.url


def _place_of(database: MongoLocation) -> tuple[frozenset[str], str]:
    """Return hosts and name, which say that two URLs mean one database."""
    parts = urlsplit(database.url)
    hosts = parts.netloc.rpartition("@")[2].lower().replace("localhost", "127.0.0.1").split(",")
    return frozenset(host.removesuffix(":27017") for host in hosts), parts.path
