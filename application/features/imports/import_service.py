"""Import users and library of another service."""

from dataclasses import dataclass
from datetime import datetime

from application.features.imports.import_items import ImportItems
from application.features.imports.import_user import (
    ImportedUser,
    ImportOutcome,
    ImportProblem,
    ImportResult,
)
from application.features.imports.import_users import (
    ImportCounts,
    ImportUsers,
    Observer,
    RejectionReason,
    check_users,
)
from application.features.imports.service_report import RowKind, ServiceImport, ServiceReport
from application.features.imports.sources import SourceUser
from application.features.imports.user_lines import InvalidLine
from application.ports.system import Clock
from domain.identities.identity import Identity
from domain.identities.username import parse_username


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportService:
    """Import users first, then the library. A repeat reads what was imported, and goes on."""

    import_users: ImportUsers
    import_items: ImportItems
    clock: Clock

    async def __call__(self, command: ServiceImport) -> ServiceReport:
        """Import everything, or say what an import would do.

        Raises:
            StorageError, CorruptRecord, MediaStorageUnavailable, DomainError: Run it again.
        """
        report = ServiceReport()
        observer = _UserObserver(command, report, self.clock.now())
        checked = await check_users(command.read_users, observer)
        report.users = await self.import_users(checked, observer, command.run, loads_stored=True)
        if command.files is None:
            report.skipped_items = await command.count_items()
        else:
            accepted_ids = frozenset(observer.accepted_ids)
            await self.import_items(command, command.files, report, accepted_ids)
        return report


class _UserObserver(Observer):
    """Reports the users, and compares them with what is stored."""

    def __init__(self, command: ServiceImport, report: ServiceReport, now: datetime) -> None:
        self._command = command
        self._report = report
        self._now = now
        self.accepted_ids = set[str]()

    def on_progress(self, counts: ImportCounts) -> None:
        self._command.show_progress(RowKind.USER, counts.done, counts.lines)

    def on_line(self, line: SourceUser, problem: RejectionReason, message: str) -> None:
        if problem in (ImportProblem.USERNAME_IN_USE, ImportProblem.USERNAME_REFUSED):
            text = f"It is imported without its name. {message}".rstrip()
            self._command.note(RowKind.USER, line.key, problem, text)
        else:
            self._command.reject(RowKind.USER, line.key, problem, message)

    def on_user(self, line: SourceUser, result: ImportResult, stored: Identity | None) -> None:
        self.accepted_ids.add(line.key)
        if line.note is not None:
            self._command.note(RowKind.USER, line.key, line.note.reason, line.note.message)
        if self._command.run is not None and not isinstance(line.user, InvalidLine):
            self._compare(line.user, line.key, result, stored)

    def _compare(
        self, user: ImportedUser, key: str, result: ImportResult, stored: Identity | None
    ) -> None:
        """Add a user to the checksums, as it was read and as it is stored.

        What people have changed here since an earlier import is no difference.
        """
        if stored is not None and stored.is_deleted:
            return  # by its owner, since it was imported
        stored_name = stored.username.text if stored and stored.username else None
        read_name = stored_name
        if result.outcome is ImportOutcome.CREATED:
            has_name = user.username is not None and result.problem is None
            read_name = parse_username(user.username or "").text if has_name else None
        created_at = min(user.created_at or self._now, self._now)
        expected = (user.id, user.phone.e164, read_name, created_at.isoformat())
        found: tuple[str | None, ...] = (None,)
        if stored is not None:
            number = stored.phone.e164 if stored.phone else None
            found = (stored.id, number, stored_name, stored.created_at.isoformat())
        self._report.source_users.add(*expected)
        self._report.stored_users.add(*found)
        if expected != found:
            self._command.note_difference(RowKind.USER, key)
