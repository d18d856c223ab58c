"""An import of users, library and files of hookaba-backend."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from tempfile import TemporaryFile
from typing import Final, TypeVar
from urllib.parse import urlsplit

from adapters.databases.records.outages import OutageRetries
from adapters.imports import hookaba
from application.features.imports.feature import ImportsFeature
from application.features.imports.import_item import ItemOutcome, ItemProblem
from application.features.imports.import_user import ImportOutcome, ImportRun
from application.features.imports.ports import SourceFiles
from application.features.imports.service_report import (
    ReportedRow,
    RowKind,
    ServiceImport,
    ServiceReport,
)
from application.features.imports.user_lines import LineProblem
from application.ports.errors import ConfigurationError
from domain.administration.audit import AuditAction
from domain.phone import parse_phone
from entrypoints.commands.features.imports.hookaba_files import open_hookaba_files
from entrypoints.commands.features.imports.opening import open_imports
from entrypoints.commands.features.imports.problems import PROBLEMS, render_unread
from entrypoints.commands.shared.parsing import find_url, name_option
from entrypoints.commands.shared.progress import show_progress
from entrypoints.features.media.feature import IMPORTED_MEDIA, MEDIA_RECORDS, MediaSettings
from entrypoints.opening.extras import check_extra
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import InvalidArgument
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


def explain_row(row: ReportedRow) -> str:
    """Return what is wrong with a row, or what is different."""
    return row.message or _TEXTS[row.kind].get(row.reason, "")


@dataclass(frozen=True, slots=True)
class HookabaImport:
    """An import, from the arguments of the command.

    Attributes:
        settings: Name the database and the media store.
        url: That of the older service's database.
        files: Where its files are, if they are imported.
        bucket: The bucket in the URLs of its library, if it has another name.
        region: The country of numbers without a country code.
    """

    settings: Settings
    url: str
    files: str | None
    bucket: str | None
    region: str | None

    async def run(
        self, run: ImportRun | None, report_row: Callable[[ReportedRow], None]
    ) -> ServiceReport:
        """Import users, library and files.

        Args:
            run: Who imports and why. None only says what an import would do.
            report_row: Gets the rows that are not imported, or differ.

        Raises:
            InvalidArgument: the place of the files.
            StartupError, ConfigurationError: the database or the files cannot be opened.
            PortError
        """
        check_extra("mongo", "--from mongodb://")
        from adapters.databases.mongo.source_database import open_source_database

        if run is not None:
            run = replace(run, reason=f"{run.reason} (import hookaba)")
        async with AsyncExitStack() as stack:
            with name_variable("--from"):
                database = await stack.enter_async_context(open_source_database(self.url))
                if hookaba.USERS not in database.names:
                    raise ConfigurationError(
                        f"{database.location} has no collection {hookaba.USERS}: name the database "
                        "of hookaba-backend, as its MONGO_URI does."
                    )
            urls: hookaba.BucketUrls | None = None
            files: SourceFiles | None = None
            if self.files is not None:
                opening_files = open_hookaba_files(self.files, self.bucket, self.settings.variables)
                with name_variable("--files"):
                    urls, files = await stack.enter_async_context(opening_files)
            # The service of this machine decodes in processes of its own.
            settings = replace(self.settings, workers=1)
            media = IMPORTED_MEDIA if files else MEDIA_RECORDS
            opening = open_imports(settings, media, OutageRetries(), is_dry_run=run is None)
            use_cases = await stack.enter_async_context(opening)
            show = stack.enter_context(show_progress())
            rules = settings.http_otp().phone_rules
            parse = partial(parse_phone, default_region=self.region, rules=rules)
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
                show_progress=lambda kind, done, total: show(f"{kind}s", done, total),
                run=run,
            )
            imports = use_cases.of(ImportsFeature)
            if run is None:
                return await imports.import_service(command)
            record_act = imports.record_act
            async with record_act(run.actor, AuditAction.IMPORT_USERS, "hookaba", run.reason):
                return await imports.import_service(command)


def render_report(report: ServiceReport, *, is_dry_run: bool) -> Iterator[str]:
    """Yield what became of the users and items."""
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


def parse_source(settings: Settings, text: str) -> str:
    """Return the URL of `--from`; raises InvalidArgument."""
    with name_option("--from"):
        database = parse_database(find_url(settings, "--from", text))
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
