"""An import of a file, as both commands run it."""

import asyncio
import hashlib
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Generic, TypeVar

from adapters.databases.records.outages import OutageRetries
from adapters.imports.import_file import REJECTED_COLUMNS
from application.features.imports.feature import ImportsFeature
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
from application.ports.errors import PortError
from domain.administration.audit import AuditAction
from domain.errors import DomainError
from entrypoints.commands.features.imports.opening import open_imports, parse_run
from entrypoints.commands.features.imports.problems import explain, render_problems
from entrypoints.commands.features.imports.report_file import ReportFile, open_report, part_of
from entrypoints.commands.shared.domain_errors import explain_errors
from entrypoints.commands.shared.options import ActOptions
from entrypoints.commands.shared.parsing import parse_file
from entrypoints.commands.shared.progress import ReportProgress, show_progress
from entrypoints.features.feature import Feature
from entrypoints.opening.startup_error import CommandError, InvalidArgument, print_errors
from entrypoints.settings.settings import Settings

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
    media: Feature
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
                imports = use_cases.of(ImportsFeature)
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
                f"rejected, and blocked there: {counts.rejected_blocked:,}. Who owns these phones "
                "can sign in here: mend the lines, or use dialtone user block."
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
