"""Import the users of a source: a file, or the database of another service."""

import asyncio
from array import array
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from application.features.imports.import_user import (
    ImportedUser,
    ImportOutcome,
    ImportProblem,
    ImportResult,
    ImportRun,
    ImportUser,
)
from application.features.imports.name_turns import NameTurns, hash_name
from application.features.imports.sources import SourceUser
from application.features.imports.unread_fields import UnreadFields
from application.features.imports.user_lines import (
    InvalidLine,
    LineProblem,
    UserLine,
    parse_block,
    parse_user_line,
)
from application.ports.identities import Identities
from application.tasks import start_task
from domain.identities.identity import Identity
from domain.phone import PhoneRules

_PARALLEL_USERS: Final = 64
_LINES_PER_TURN: Final = 200
"""How many lines are read before others, such as a signal, have their turn."""
_PARTS: Final = 256

RejectionReason: TypeAlias = LineProblem | ImportProblem
ReadUsers: TypeAlias = Callable[[], AsyncIterator[SourceUser]]
"""Reads the source from its beginning, each time in the same order."""


@dataclass(slots=True)
class ImportCounts:
    """What became of the lines of a source. A record of a database is a line, too.

    Attributes:
        lines: How many there are.
        outcomes: How many lines have each outcome.
        problems: How many lines are rejected for each reason, or have no username.
        blocked: How many of the created and completed users the import has blocked.
        rejected_blocked: How many of the rejected lines are of users who are blocked there.
        unread: What the lines have beside what is imported.
        is_complete: Whether all lines were looked at.
    """

    lines: int = 0
    outcomes: Counter[ImportOutcome] = field(default_factory=Counter)
    problems: Counter[RejectionReason] = field(default_factory=Counter)
    blocked: int = 0
    rejected_blocked: int = 0
    unread: UnreadFields = field(default_factory=UnreadFields)
    is_complete: bool = False

    @property
    def done(self) -> int:
        """How many lines were looked at."""
        return self.outcomes.total()


class Observer:
    """What somebody who waits for an import wants to know, and decide."""

    def on_line(self, line: SourceUser, problem: RejectionReason, message: str) -> None:
        """Take a line that is rejected, or a user without the name."""

    def on_user(self, line: SourceUser, result: ImportResult, stored: Identity | None) -> None:
        """Take a line that is not rejected.

        `stored` is what the database has right after it; None in a dry run.
        """

    def on_checked(self, lines: int) -> None:
        """Take how many lines the check has read."""

    def on_progress(self, counts: ImportCounts) -> None:
        """Take the counts so far."""

    def should_stop(self) -> bool:
        """Return whether no more users are to be begun."""
        return False


@dataclass(frozen=True, slots=True)
class _Repeated:
    """The phones, ids and names that occur in several lines.

    They are hashes of 64 bits with a random key (SipHash, as Python hashes texts): of five million
    lines, two differ and have one hash with a probability of a millionth.
    """

    phones: frozenset[int]
    ids: frozenset[int]
    names: frozenset[int]

    def find_problem(self, user: ImportedUser) -> LineProblem | None:
        if hash(user.phone.e164) in self.phones:
            return LineProblem.REPEATED_PHONE
        if any(hash(text) in self.ids for text in _ids_of(user)):
            return LineProblem.REPEATED_ID
        return None


class _Occurrences:
    """Hashes in parts, with eight bytes for each, so that millions of lines fit into memory."""

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]

    def add(self, hashed: int) -> None:
        self._parts[hashed % _PARTS].append(hashed)

    def find_repeated(self) -> frozenset[int]:
        repeated = set[int]()
        for part in self._parts:
            if len(set(part)) < len(part):
                repeated.update(hashed for hashed, count in Counter(part).items() if count > 1)
        return frozenset(repeated)


@dataclass(frozen=True, slots=True)
class CheckedUsers:
    """A source, how many lines it has, what occurs in several of them, and what is not read."""

    read: ReadUsers
    lines: int
    repeated: _Repeated
    unread: UnreadFields


async def check_users(read: ReadUsers, observer: Observer) -> CheckedUsers:
    """Read the source, and find what occurs in several lines. Nothing is written."""
    phones, ids, names, lines = _Occurrences(), _Occurrences(), _Occurrences(), 0
    unread = UnreadFields()
    async for line in read():
        lines += 1
        unread.add(line.unread)
        if lines % _LINES_PER_TURN == 0:
            observer.on_checked(lines)
            await asyncio.sleep(0)
            if observer.should_stop():
                break
        user = line.user
        if isinstance(user, InvalidLine):
            if user.phone is not None:
                phones.add(hash(user.phone.e164))
            continue
        phones.add(hash(user.phone.e164))
        for text in _ids_of(user):
            ids.add(hash(text))
        if (name := hash_name(user)) is not None:
            names.add(name)
    repeated = _Repeated(phones.find_repeated(), ids.find_repeated(), names.find_repeated())
    return CheckedUsers(read, lines, repeated, unread)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUsers:
    """Import the users of a source.

    - The source is read twice: first `check_users` checks all lines. Of several lines with one
      phone or id, none is imported. A line that is rejected for its id or time counts for this.
    - Of several users with one name, the first one gets it.
    - Users are imported in parallel, and reported in the order of their lines.
    - A repeat goes on where an import ended: users who were imported before are unchanged.
    """

    import_user: ImportUser
    identities: Identities

    async def __call__(
        self,
        checked: CheckedUsers,
        observer: Observer,
        run: ImportRun | None,
        *,
        loads_stored: bool = False,
    ) -> ImportCounts:
        """Import the users of a checked source. Without a run, only say what would become of them.

        Args:
            checked: The source.
            observer: Takes what becomes of each line, in their order.
            run: Who imports; None for a dry run, which writes nothing.
            loads_stored: Load each imported user again, for the observer.

        Raises:
            AuditFailed
            StorageError: Users that were imported before stay so.
            CorruptRecord
        """
        counts = ImportCounts(checked.lines, unread=checked.unread)
        import_user = NameTurns(self.import_user, checked.repeated.names, run)
        identities = self.identities if loads_stored and run is not None else None
        waiting = deque[tuple[SourceUser, asyncio.Task[_Imported] | InvalidLine]]()
        try:
            async for line in checked.read():
                if observer.should_stop():
                    break
                waiting.append((line, _begin(line, checked.repeated, import_user, identities)))
                if len(waiting) > _PARALLEL_USERS:
                    await _count(*waiting.popleft(), counts, observer)
            else:
                counts.is_complete = True
            while waiting:
                await _count(*waiting.popleft(), counts, observer)
        finally:
            await _cancel([begun for _, begun in waiting if isinstance(begun, asyncio.Task)])
        return counts


@dataclass(frozen=True, slots=True)
class LineUsers:
    """The users of a file; see `parse_user_line`."""

    read_lines: Callable[[], Iterator[UserLine]]
    default_region: str | None
    rules: PhoneRules

    async def read(self) -> AsyncIterator[SourceUser]:
        """Yield the lines, with their users."""
        for line in self.read_lines():
            yield self._parse(line)

    def _parse(self, line: UserLine) -> SourceUser:
        user: ImportedUser | InvalidLine
        is_blocked = False
        try:
            user = parse_user_line(line, self.default_region, self.rules)
            is_blocked = user.is_blocked
        except InvalidLine as error:
            user = error
            with suppress(InvalidLine):
                is_blocked = line.fields is not None and parse_block(line.fields)
        return SourceUser(
            str(line.number), user, line.unread, is_blocked=is_blocked, original=line.original
        )


@dataclass(frozen=True, slots=True)
class _Imported:
    """A user that was imported, and what the database has, if it was loaded again."""

    result: ImportResult
    stored: Identity | None


def _begin(
    line: SourceUser, repeated: _Repeated, import_user: NameTurns, identities: Identities | None
) -> asyncio.Task[_Imported] | InvalidLine:
    if isinstance(line.user, InvalidLine):
        return line.user
    if problem := repeated.find_problem(line.user):
        return InvalidLine(problem)
    return start_task("import_user", _import(line.user, import_user, identities))


async def _import(
    user: ImportedUser, import_user: NameTurns, identities: Identities | None
) -> _Imported:
    result = await import_user(user)
    loaded = None
    if identities is not None and result.identity_id is not None:
        loaded = await identities.load(result.identity_id)
    return _Imported(result, loaded.value if loaded else None)


async def _count(
    line: SourceUser,
    begun: asyncio.Task[_Imported] | InvalidLine,
    counts: ImportCounts,
    observer: Observer,
) -> None:
    """Count a line as soon as it is known what became of it."""
    outcome = ImportOutcome.REJECTED
    problem: RejectionReason | None
    imported = None
    if isinstance(begun, InvalidLine):
        problem, message = begun.problem, begun.message
    else:
        imported = await begun
        result = imported.result
        outcome, problem, message = result.outcome, result.problem, result.message
        counts.blocked += result.is_blocked
    counts.outcomes[outcome] += 1
    if outcome is ImportOutcome.REJECTED and line.is_blocked:
        counts.rejected_blocked += 1
    if problem is not None:
        counts.problems[problem] += 1
        observer.on_line(line, problem, message)
    if imported is not None and not imported.result.is_rejected:
        observer.on_user(line, imported.result, imported.stored)
    observer.on_progress(counts)


async def _cancel(tasks: Sequence[asyncio.Task[_Imported]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _ids_of(user: ImportedUser) -> list[str]:
    ids = [f"id {user.id}"] if user.id else []
    return [*ids, f"external {user.external_id}"] if user.external_id else ids
