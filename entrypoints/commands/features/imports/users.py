"""An import of users from a file."""

import asyncio
import hashlib
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from adapters.databases.records.outages import OutageRetries
from adapters.imports.user_files import REJECTED_COLUMNS, UserFile
from application.features.imports.feature import ImportsFeature
from application.features.imports.import_user import ImportOutcome, ImportProblem, ImportRun
from application.features.imports.import_users import (
    ImportCounts,
    LineUsers,
    Observer,
    RejectionReason,
    check_users,
)
from application.features.imports.sources import SourceUser
from domain.administration.audit import AuditAction
from entrypoints.commands.features.imports.opening import open_imports
from entrypoints.commands.features.imports.problems import explain, render_problems, render_unread
from entrypoints.commands.features.imports.report_file import ReportFile
from entrypoints.commands.shared.progress import show_progress
from entrypoints.features.media.feature import MEDIA_RECORDS
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.settings import Settings

_WITHOUT_NAME: Final = (ImportProblem.USERNAME_IN_USE, ImportProblem.USERNAME_REFUSED)


class UsersImport(Observer):
    """Imports a file, and watches the import until a signal ends it."""

    def __init__(
        self, settings: Settings, file: UserFile, region: str | None, rejected: ReportFile
    ) -> None:
        """Prepare the import.

        Args:
            settings: Name the database.
            file: The users.
            region: The country of numbers without a country code.
            rejected: Gets the lines that are not imported.
        """
        self._settings = settings
        self._file = file
        self._users = LineUsers(file.read, region, settings.http_otp().phone_rules)
        self._rejected = rejected
        self._is_stopped = False

    async def run(self, run: ImportRun | None) -> ImportCounts:
        """Import the file. The first SIGINT or SIGTERM lets users under way finish.

        Args:
            run: Who imports and why. None only says what an import would do.

        Raises:
            CommandError: there are no users, or a line cannot be written.
            StorageError
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        with show_progress() as self._show:
            # A file that cannot be read as a whole creates neither a database nor keys.
            checked = await check_users(self._users.read, self)
            if self._is_stopped:
                return ImportCounts(checked.lines)
            if not checked.lines:
                raise CommandError(f"{self._file.path} has no users.")
            retry = OutageRetries(self.should_stop)
            async with open_imports(
                self._settings, MEDIA_RECORDS, retry, is_dry_run=run is None
            ) as use_cases:
                imports = use_cases.of(ImportsFeature)
                if run is None:
                    return await imports.import_users(checked, self, None)
                facts = f"lines: {checked.lines}, SHA-256: {_hash(self._file.path)}"
                run = replace(run, reason=f"{run.reason} ({facts})")
                record_act = imports.record_act
                async with record_act(run.actor, AuditAction.IMPORT_USERS, "users", run.reason):
                    return await imports.import_users(checked, self, run)

    def _stop(self) -> None:
        self._is_stopped = True
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    def should_stop(self) -> bool:
        """Return whether there was a signal."""
        return self._is_stopped

    def on_checked(self, lines: int) -> None:
        """Show how many lines are checked."""
        self._show("lines checked", lines)

    def on_progress(self, counts: ImportCounts) -> None:
        """Show how many lines are done."""
        self._show("lines done", counts.done, counts.lines)

    def on_line(self, line: SourceUser, problem: RejectionReason, message: str) -> None:
        """Write a rejected line to the file."""
        header = (*REJECTED_COLUMNS, *line.original)
        reason = (line.key, problem.value, explain(problem, message))
        self._rejected.write(header, (*reason, *line.original.values()))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def render_counts(counts: ImportCounts) -> Iterator[str]:
    """Yield what became of the lines."""
    outcomes = counts.outcomes
    yield from render_unread("Columns", "line", counts.unread)
    yield f"lines: {counts.lines:,}"
    for outcome in ImportOutcome:
        yield f"{outcome.value}: {outcomes[outcome]:,}"
        if outcome is ImportOutcome.REJECTED:
            yield from render_problems(_select(counts, is_rejected=True))
    yield f"blocked, of those created and completed: {counts.blocked:,}"
    if counts.rejected_blocked:
        yield (
            f"rejected, and blocked there: {counts.rejected_blocked:,}. Who owns these phones can "
            "sign in here: mend the lines, or use dialtone user block."
        )
    without_name = _select(counts, is_rejected=False)
    if without_name:
        yield f"imported without a username: {sum(without_name.values()):,}"
        yield from render_problems(without_name)


def _select(counts: ImportCounts, *, is_rejected: bool) -> Mapping[RejectionReason, int]:
    return {
        problem: count
        for problem, count in counts.problems.items()
        if (problem not in _WITHOUT_NAME) is is_rejected
    }
