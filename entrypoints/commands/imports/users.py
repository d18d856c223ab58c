"""`dialtone import users`."""

import asyncio
import hashlib
import signal
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from adapters.records.outages import OutageRetries
from adapters.user_files import UserFile
from application.imports.feature import ImportsFeature
from application.imports.import_user import ImportOutcome, ImportProblem, ImportRun
from application.imports.import_users import (
    ImportCounts,
    LineUsers,
    Observer,
    RejectionReason,
    check_users,
)
from application.imports.sources import SourceUser
from application.ports.errors import StorageError
from domain.administration.audit import Actor, AuditAction
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.imports.opening import open_imports
from entrypoints.commands.imports.options import parse_import_reason, parse_region_option
from entrypoints.commands.imports.rejected_lines import (
    RejectedLines,
    open_rejected_lines,
    render_problems,
)
from entrypoints.commands.imports.unread_fields import render_unread
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import parse_file
from entrypoints.commands.progress import ProgressLine
from entrypoints.features.media import MEDIA_RECORDS
from entrypoints.opening.startup_error import CommandError, InvalidArgument, print_errors
from entrypoints.settings.settings import Settings

_SUBJECT: Final = "users"
_WITHOUT_NAME: Final = (ImportProblem.USERNAME_IN_USE, ImportProblem.USERNAME_REFUSED)


def import_users(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Import the users of a file, or say what an import would do."""
    path = parse_file(arguments.file)
    region = parse_region_option(settings, arguments.region)
    operator, reason = parse_operator(arguments), parse_import_reason(arguments)
    file = UserFile(path=path, ignores_blocks=arguments.ignore_blocks)
    rejected_path = parse_file(arguments.rejected or f"{path}.rejected.csv")
    if rejected_path.exists() and rejected_path.samefile(path):
        raise InvalidArgument("--rejected names the file to import: name another file.")
    command = _Command(settings, file, region, operator.actor, reason, is_dry_run=arguments.dry_run)
    with (
        open_rejected_lines(rejected_path, replaces=arguments.replace) as rejected,
        explain_errors(),
    ):
        try:
            counts = asyncio.run(command.run(rejected))
        except StorageError:
            print_errors(_continue_with(rejected_path, rejected))
            raise
    if arguments.dry_run:
        yield "This is a dry run: nothing was imported."
    yield from _render(counts)
    if not rejected.is_empty:
        yield f"{rejected_path} lists them. Only its owner can read it."
    if not counts.is_complete:
        print_errors(_continue_with(rejected_path, rejected))
        raise KeyboardInterrupt
    if count := counts.outcomes[ImportOutcome.REJECTED]:
        raise CommandError(f"Lines that are not imported: {count:,}.")


class _Command(Observer):
    """Imports a file, and watches the import until a signal ends it."""

    def __init__(
        self,
        settings: Settings,
        file: UserFile,
        region: str | None,
        operator: Actor,
        reason: str,
        *,
        is_dry_run: bool,
    ) -> None:
        self._settings = settings
        self._file = file
        phone_rules = settings.http_otp().phone_rules
        self._users = LineUsers(file.read, region, phone_rules)
        self._operator = operator
        self._reason = reason
        self._is_dry_run = is_dry_run
        self._show_progress = ProgressLine()
        self._rejected: RejectedLines | None = None
        self._is_stopped = False

    async def run(self, rejected: RejectedLines) -> ImportCounts:
        """Import the file. The first SIGINT or SIGTERM lets users under way finish."""
        self._rejected = rejected
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        # A file that cannot be read as a whole creates neither a database nor keys.
        checked = await check_users(self._users.read, self)
        if self._is_stopped:
            return ImportCounts(checked.lines)
        if not checked.lines:
            raise CommandError(f"{self._file.path} has no users.")
        retry = OutageRetries(self.should_stop)
        async with open_imports(
            self._settings, MEDIA_RECORDS, retry, is_dry_run=self._is_dry_run
        ) as use_cases:
            imports = use_cases.of(ImportsFeature)
            if self._is_dry_run:
                return await imports.import_users(checked, self, None)
            facts = f"lines: {checked.lines}, SHA-256: {_hash(self._file.path)}"
            run = ImportRun(self._operator, f"{self._reason} ({facts})")
            record_act = imports.record_act
            async with record_act(run.actor, AuditAction.IMPORT_USERS, _SUBJECT, run.reason):
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
        self._show_progress("lines checked", lines)

    def on_progress(self, counts: ImportCounts) -> None:
        """Show how many lines are done."""
        self._show_progress("lines done", counts.done, counts.lines)

    def on_line(self, line: SourceUser, problem: RejectionReason, message: str) -> None:
        """Write a rejected line to the file."""
        if self._rejected is not None:
            self._rejected.write(line, problem, message)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _render(counts: ImportCounts) -> Iterator[str]:
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


def _continue_with(path: Path, rejected: RejectedLines) -> str:
    more = "" if rejected.is_empty else f", with --replace for {path}"
    return f"What was imported stays. Run the same command again to continue{more}."
