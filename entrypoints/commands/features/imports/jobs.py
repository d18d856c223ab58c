"""The two kinds of imports of a file, and how they run."""

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from adapters.databases.records.outages import OutageRetries
from adapters.imports.import_file import REJECTED_COLUMNS, ImportFile
from adapters.imports.picture_folder import open_picture_folder
from application.features.imports import item_lines, user_lines
from application.features.imports.feature import ImportsFeature
from application.features.imports.item_lines import ImportedItem, parse_item_line
from application.features.imports.lines import (
    CheckedLines,
    Importable,
    ImportCounts,
    ImportOutcome,
    ImportProblem,
    ImportRun,
    Line,
    Observer,
    Source,
    check_lines,
)
from application.features.imports.user_lines import ImportedUser, UserLines
from application.ports.errors import PortError
from application.use_cases import UseCases
from domain.administration.audit import AuditAction
from domain.errors import DomainError
from entrypoints.commands.features.imports.report_file import (
    ReportFile,
    explain,
    open_report,
    part_of,
    render_problems,
)
from entrypoints.commands.operations.migrate import find_migration
from entrypoints.commands.shared.domain_errors import explain_errors
from entrypoints.commands.shared.operator_name import parse_operator
from entrypoints.commands.shared.options import ActOptions
from entrypoints.commands.shared.parsing import name_option, parse_file, parse_reason_option
from entrypoints.commands.shared.progress import ReportProgress, show_progress
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.features.feature import Feature
from entrypoints.features.imports import IMPORTS
from entrypoints.features.media.feature import IMPORTED_MEDIA, MEDIA_RECORDS
from entrypoints.parts.keys import find_key_fingerprint
from entrypoints.settings.parsers import parse_country_code
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import (
    CommandError,
    InvalidArgument,
    name_variable,
    print_errors,
)
from entrypoints.settings.values import Factory

T = TypeVar("T", bound=Importable)
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob(Generic[T]):
    """An import of a file.

    Attributes:
        left_out: What a line may lack that is imported nevertheless.
        media: The feature with the media store, or with its records only.
        import_checked: Imports the lines. Without a run, it only says what would become of them.
    """

    settings: Settings
    path: Path
    source: Source[T]
    kind: str
    outcomes: Sequence[ImportOutcome]
    left_out: str
    action: AuditAction
    media: Feature[Any]
    import_checked: Callable[
        [ImportsFeature, CheckedLines[T], Observer, ImportRun | None], Awaitable[ImportCounts]
    ]

    def run(
        self, options: ActOptions, rejected: str | None, *, is_dry_run: bool, replaces: bool
    ) -> Iterator[str]:
        """Import the file, and yield what became of the lines.

        Rejected lines go to a file beside it by default; `replaces` lets it replace a former one.

        Raises:
            InvalidArgument, CommandError, PortError
            KeyboardInterrupt: A signal has ended the import.
        """
        run = parse_run(options, is_dry_run=is_dry_run)
        report_path = parse_file(rejected or f"{self.path}.rejected.csv")
        for path in (report_path, part_of(report_path)):
            if path.exists() and self.path.exists() and path.samefile(self.path):
                raise InvalidArgument("--rejected names the file to import: name another file.")
        with open_report(report_path, replaces=replaces) as report, explain_errors():
            try:
                counts = asyncio.run(self._import(run, report))
            except (PortError, DomainError):
                print_errors(report.how_to_continue)
                raise
            report.is_complete = counts.is_complete
        if is_dry_run:
            yield "This is a dry run: nothing was imported."
        yield from self._render(counts)
        if report.is_kept:
            yield f"{report_path} lists them. Only its owner can read it."
        if not counts.is_complete:
            print_errors(report.how_to_continue)
            raise KeyboardInterrupt
        if count := counts.outcomes[ImportOutcome.REJECTED]:
            raise CommandError(f"Lines that are not imported: {count:,}.")

    async def _import(self, run: ImportRun | None, report: ReportFile) -> ImportCounts:
        with show_progress() as show:
            watcher = _Watcher(report, show)
            # A file that cannot be read as a whole creates neither a database nor keys.
            checked = await check_lines(self.source, watcher)
            if watcher.should_stop():
                return ImportCounts(checked.lines)
            if not checked.lines:
                raise CommandError(f"{self.path} has no {self.kind}.")
            retry = OutageRetries(watcher.should_stop)
            async with open_imports(
                self.settings, self.media, retry, is_dry_run=run is None
            ) as use_cases:
                imports = IMPORTS.of(use_cases)
                if run is None:
                    return await self.import_checked(imports, checked, watcher, None)
                facts = f"lines: {checked.lines}, SHA-256: {_hash(self.path)}"
                run = replace(run, reason=f"{run.reason} ({facts})")
                async with imports.record_act(run.actor, self.action, self.kind, run.reason):
                    return await self.import_checked(imports, checked, watcher, run)

    def _render(self, counts: ImportCounts) -> Iterator[str]:
        yield f"lines: {counts.lines:,}"
        for outcome in self.outcomes:
            yield f"{outcome.value}: {counts.outcomes[outcome]:,}"
        yield from render_problems(counts.rejected)
        if counts.blocked:
            yield f"blocked, of those created and completed: {counts.blocked:,}"
        if counts.rejected_blocked:
            yield (
                f"rejected, and blocked there: {counts.rejected_blocked:,}. The owners of these "
                "phones can sign in here: mend the lines, or use dialtone user block."
            )
        if counts.incomplete:
            yield f"imported without {self.left_out}: {counts.incomplete.total():,}"
            yield from render_problems(counts.incomplete)


class _Watcher(Observer):
    """Shows how far an import is, and writes its report. The first SIGINT or SIGTERM stops it."""

    def __init__(self, report: ReportFile, show: ReportProgress) -> None:
        self._report = report
        self._show = show
        self._is_stopped = False
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        """Let lines under way finish. Another signal ends the process."""
        self._is_stopped = True
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def should_stop(self) -> bool:
        return self._is_stopped

    def on_checked(self, lines: int) -> None:
        self._show("lines checked", lines)

    def on_progress(self, counts: ImportCounts) -> None:
        self._show("lines done", counts.done, counts.lines)

    def on_problem(self, line: Line, problem: ImportProblem, message: str) -> None:
        reason = (str(line.number), problem.value, explain(problem, message))
        header = (*REJECTED_COLUMNS, *line.fields)
        self._report.write(header, (*reason, *line.fields.values()))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_PHONE_MISSING: Final = ": every user has one."
_BLOCKED_MISSING: Final = (
    ", which says who is blocked elsewhere: without it they could sign in here. Add it, or use"
    " --ignore-blocks if nobody is."
)


def make_users_job(
    settings: Settings, file: str, region: str | None, *, ignores_blocks: bool
) -> ImportJob[ImportedUser]:
    """Return the import of a file of users; raises InvalidArgument."""
    country = settings.default_region
    if region is not None:
        with name_option("--region"):
            country = parse_country_code(region)
    path = parse_file(file)
    required = {"phone": _PHONE_MISSING} | ({} if ignores_blocks else {"blocked": _BLOCKED_MISSING})
    lines = ImportFile(path=path, names=user_lines.FIELDS, required=required, objects=("claims",))
    rules = settings.phone_rules
    parser = UserLines(default_region=country, rules=rules, ignores_blocks=ignores_blocks)
    return ImportJob(
        settings=settings,
        path=path,
        source=Source(lines.read, parser.parse),
        kind="users",
        outcomes=(
            ImportOutcome.CREATED,
            ImportOutcome.UNCHANGED,
            ImportOutcome.COMPLETED,
            ImportOutcome.REJECTED,
        ),
        left_out="a username",
        action=AuditAction.IMPORT_USERS,
        media=MEDIA_RECORDS,
        import_checked=lambda imports, checked, observer, run: imports.import_users(
            checked, observer, run
        ),
    )


def make_items_job(settings: Settings, file: str, folder: str) -> ImportJob[ImportedItem]:
    """Return the import of a file of items; raises InvalidArgument and ConfigurationError."""
    path = parse_file(file)
    with name_variable("--files"):
        pictures = open_picture_folder(Path(folder))
    required = {
        "id": ".",
        "owner": ".",
        "file": ", the path of a picture in the folder of --files.",
    }
    lines = ImportFile(path=path, names=item_lines.FIELDS, required=required)
    return ImportJob(
        # The service of this machine decodes in processes of its own.
        settings=replace(settings, workers=1),
        path=path,
        source=Source(lines.read, parse_item_line),
        kind="items",
        outcomes=(
            ImportOutcome.CREATED,
            ImportOutcome.UNCHANGED,
            ImportOutcome.DELETED,
            ImportOutcome.REJECTED,
        ),
        left_out="a category",
        action=AuditAction.IMPORT_ITEMS,
        media=IMPORTED_MEDIA,
        import_checked=lambda imports, checked, observer, run: imports.import_items(
            checked, pictures, observer, run
        ),
    )


def parse_run(options: ActOptions, *, is_dry_run: bool) -> ImportRun | None:
    """Return who imports and why, which a dry run does not need; raises InvalidArgument."""
    operator = parse_operator(options.acts_as)
    reason = parse_reason_option(options.reason, is_required=not is_dry_run)
    return None if is_dry_run else ImportRun(operator.actor, reason)


@asynccontextmanager
async def open_imports(
    settings: Settings, media: "Feature[Any]", retry: OutageRetries, *, is_dry_run: bool
) -> AsyncIterator[UseCases]:
    """Open the use cases, with the media store or only its records, until the block ends.

    A database adapter of an operator's own is opened as for the service, also for a dry run.
    """
    if is_dry_run:
        media = MEDIA_RECORDS
        await _check_complete(settings)
    async with open_use_cases(settings, [media, IMPORTS], retry=retry) as use_cases:
        yield use_cases


async def _check_complete(settings: Settings) -> None:
    if isinstance(settings.database, Factory):
        return
    with name_variable(settings.variable_of("DIALTONE_DATABASE")):
        migration, place = find_migration(settings)
        plan = await migration.plan_migration(place, find_key_fingerprint(settings))
    if plan.missing:
        raise CommandError(
            "The database lacks what this version needs, and a dry run changes nothing: run "
            "`dialtone migrate` before. `dialtone migrate --dry-run` lists it."
        )
