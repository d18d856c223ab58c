"""Import the users of hookaba-backend."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.imports.hookaba_report import (
    HookabaImport,
    HookabaNote,
    HookabaProblem,
    HookabaReport,
    RowKind,
)
from application.imports.import_user import (
    ImportedUser,
    ImportOutcome,
    ImportResult,
    ImportUser,
)
from application.imports.name_turns import NameTurns, hash_name
from application.pacing import call_in_groups
from application.ports.identities import Identities
from application.ports.older_service import OlderUser, UnreadableRow
from application.ports.system import Clock
from domain.errors import InvalidValue
from domain.identities.identity import Identity
from domain.identities.username import parse_username
from domain.phone import PhoneNumber

USERS_PER_PAGE: Final = 512
PARALLEL_USERS: Final = 32


@dataclass(frozen=True, slots=True)
class _ReadUser:
    """A user, and what became of it."""

    user: OlderUser
    phone: PhoneNumber
    result: ImportResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportHookabaUsers:
    """Import all users, in the order of their ids.

    - Of several users with one number none is imported. Of several with one name, the first one
      gets it.
    - Each page is compared with what is stored, right after it was imported. What people have
      changed here since an earlier import is no difference.
    """

    import_user: ImportUser
    identities: Identities
    clock: Clock

    async def __call__(self, command: HookabaImport, report: HookabaReport) -> frozenset[str]:
        """Import the users, and return the ids of those that are not rejected.

        Raises:
            AuditFailed, StorageError, CorruptRecord: Run it again to continue.
        """
        now = self.clock.now()
        repeated, names = await self._find_repeated(command)
        import_user = NameTurns(self.import_user, names, command.run)
        total, done, accepted_ids = await command.service.count_users(), 0, set[str]()

        async def import_row(row: OlderUser | UnreadableRow) -> _ReadUser | None:
            return await self._import(row, repeated, import_user, command, report)

        async for page in command.service.read_users(USERS_PER_PAGE):
            results = await call_in_groups(import_row, page, PARALLEL_USERS)
            imported = [read for read in results if read is not None]
            accepted_ids.update(read.user.id for read in imported)
            if command.run is not None:
                stored = await call_in_groups(self._load, imported, PARALLEL_USERS)
                for read, identity in stored:
                    _compare(read, identity, now, report, command)
            done += len(page)
            command.show_progress(RowKind.USER, done, total)
        return frozenset(accepted_ids)

    async def _find_repeated(self, command: HookabaImport) -> tuple[set[str], set[int]]:
        """Return the phones, and the hashes of the names, that several users have."""
        phones, repeated_phones = set[str](), set[str]()
        names, repeated_names = set[int](), set[int]()
        async for page in command.service.read_users(USERS_PER_PAGE):
            for row in page:
                if isinstance(row, OlderUser):
                    try:
                        user = _to_imported(row, command.parse_phone(row.number))
                    except InvalidValue:
                        continue
                    number, name = user.phone.e164, hash_name(user)
                    (repeated_phones if number in phones else phones).add(number)
                    if name is not None:
                        (repeated_names if name in names else names).add(name)
        return repeated_phones, repeated_names

    async def _import(
        self,
        row: OlderUser | UnreadableRow,
        repeated: set[str],
        import_user: NameTurns,
        command: HookabaImport,
        report: HookabaReport,
    ) -> _ReadUser | None:
        def reject(reason: str, message: str) -> None:
            report.users[ImportOutcome.REJECTED] += 1
            command.reject(RowKind.USER, row.id, reason, message)

        if isinstance(row, UnreadableRow):
            reject(HookabaProblem.UNREADABLE, row.message)
            return None
        report.unread_users.add(row.unread)
        try:
            phone = command.parse_phone(row.number)
        except InvalidValue as error:
            reject(HookabaProblem.INVALID_PHONE, error.message)
            return None
        if phone.e164 in repeated:
            reject(HookabaProblem.REPEATED_PHONE, "Several users have this number.")
            return None
        result = await import_user(_to_imported(row, phone))
        if result.is_rejected:
            reject(result.problem or "", result.message)
            return None
        report.users[result.outcome] += 1
        if result.problem is not None:
            text = f"It is imported without its name. {result.message}".rstrip()
            command.note(RowKind.USER, row.id, result.problem, text)
        if row.is_administrator:
            text = "It was an administrator there: promote it by hand."
            command.note(RowKind.USER, row.id, HookabaNote.WAS_ADMINISTRATOR, text)
        return _ReadUser(row, phone, result)

    async def _load(self, read: _ReadUser) -> tuple[_ReadUser, Identity | None]:
        loaded = await self.identities.load(read.user.id)
        return read, loaded.value if loaded else None


def _to_imported(row: OlderUser, phone: PhoneNumber) -> ImportedUser:
    return ImportedUser(phone=phone, id=row.id, username=row.username, created_at=row.created_at)


def _compare(
    read: _ReadUser,
    identity: Identity | None,
    now: datetime,
    report: HookabaReport,
    command: HookabaImport,
) -> None:
    """Add a user to the checksums, as it was read and as it is stored."""
    if identity is not None and identity.is_deleted:
        return  # by its owner, since it was imported
    user, result = read.user, read.result
    stored_name = identity.username.text if identity and identity.username else None
    read_name = stored_name
    if result.outcome is ImportOutcome.CREATED:
        has_name = user.username is not None and result.problem is None
        read_name = parse_username(user.username or "").text if has_name else None
    created_at = min(user.created_at, now)
    expected = (user.id, read.phone.e164, read_name, created_at.isoformat())
    found: tuple[str | None, ...] = (None,)
    if identity is not None:
        number = identity.phone.e164 if identity.phone else None
        found = (identity.id, number, stored_name, identity.created_at.isoformat())
    report.source_users.add(*expected)
    report.stored_users.add(*found)
    if expected != found:
        command.note_difference(RowKind.USER, user.id)
