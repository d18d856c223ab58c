"""Import the users of a file."""

import asyncio
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from application.imports.import_user import (
    ImportedUser,
    ImportOutcome,
    ImportProblem,
    ImportResult,
    ImportRun,
    ImportUser,
)
from application.imports.name_turns import NameTurns, hash_name
from application.imports.unread_fields import UnreadFields
from application.imports.user_lines import (
    InvalidLine,
    LineProblem,
    UserLine,
    parse_block,
    parse_line,
)
from domain.phone import PhoneRules

_PARALLEL_USERS: Final = 64
_LINES_PER_TURN: Final = 200
"""How many lines are read before others, such as a signal, have their turn."""
_PARTS: Final = 256

RejectionReason: TypeAlias = LineProblem | ImportProblem
ReadLines: TypeAlias = Callable[[], Iterator[UserLine]]


@dataclass(slots=True)
class ImportCounts:
    """What became of the lines of a file.

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

    def on_line(self, line: UserLine, problem: RejectionReason, message: str) -> None:
        """Take a line that is rejected, or a user without the name."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUsers:
    """Import the users of a file.

    - The file is read twice: first all lines are checked. Of several lines with one phone or id,
      none is imported. A line that is rejected for its id or time counts for this, but not a line
      whose phone nobody has verified.
    - Of several users with one name, the first one gets it.
    - Users are imported in parallel, and reported in the order of their lines.
    - A repeat goes on where an import ended: users who were imported before are unchanged.
    """

    import_user: ImportUser

    async def check(
        self, read_lines: ReadLines, parse: "ParseLines", observer: Observer
    ) -> "CheckedLines":
        """Read the file, and find what occurs in several lines. Nothing is written."""
        phones, ids, names, lines = _Occurrences(), _Occurrences(), _Occurrences(), 0
        unread = UnreadFields()
        for line in read_lines():
            lines += 1
            unread.add(line.unread)
            if lines % _LINES_PER_TURN == 0:
                observer.on_checked(lines)
                await asyncio.sleep(0)
                if observer.should_stop():
                    break
            try:
                user = parse(line)
            except InvalidLine as error:
                if error.phone is not None:
                    phones.add(hash(error.phone.e164))
                continue
            phones.add(hash(user.phone.e164))
            for text in _ids_of(user):
                ids.add(hash(text))
            if (name := hash_name(user)) is not None:
                names.add(name)
        repeated = _Repeated(phones.find_repeated(), ids.find_repeated(), names.find_repeated())
        return CheckedLines(read_lines, parse, lines, repeated, unread)

    async def __call__(
        self, checked: "CheckedLines", observer: Observer, run: ImportRun | None
    ) -> ImportCounts:
        """Import the users of a checked file. Without a run, only say what would become of them.

        Raises:
            AuditFailed
            StorageError: Users that were imported before stay so.
            CorruptRecord
        """
        counts = ImportCounts(checked.lines, unread=checked.unread)
        import_user = NameTurns(self.import_user, checked.repeated.names, run)
        waiting = deque[tuple[UserLine, asyncio.Task[ImportResult] | InvalidLine]]()
        try:
            for line in checked.read_lines():
                if observer.should_stop():
                    break
                waiting.append((line, _begin(checked, line, import_user)))
                if len(waiting) > _PARALLEL_USERS:
                    await _count(*waiting.popleft(), checked, counts, observer)
            else:
                counts.is_complete = True
            while waiting:
                await _count(*waiting.popleft(), checked, counts, observer)
        finally:
            await _cancel([begun for _, begun in waiting if isinstance(begun, asyncio.Task)])
        return counts


@dataclass(frozen=True, slots=True)
class ParseLines:
    """Parses the lines of a file; see `parse_line`."""

    default_region: str | None
    rules: PhoneRules
    now: datetime

    def __call__(self, line: UserLine) -> ImportedUser:
        """Parse a line; raises InvalidLine."""
        return parse_line(line, self.default_region, self.rules, self.now)

    def is_blocked(self, line: UserLine) -> bool:
        """Return whether the line says that the user is blocked."""
        with suppress(InvalidLine):
            return line.fields is not None and parse_block(line.fields, self.now)
        return False


@dataclass(frozen=True, slots=True)
class CheckedLines:
    """The lines of a file, what occurs in several of them, and what is not read."""

    read_lines: ReadLines
    parse_line: ParseLines
    lines: int
    repeated: _Repeated
    unread: UnreadFields

    def parse(self, line: UserLine) -> ImportedUser:
        """Parse a line that occurs once; raises InvalidLine."""
        user = self.parse_line(line)
        if problem := self.repeated.find_problem(user):
            raise InvalidLine(problem)
        return user


def _begin(
    checked: "CheckedLines", line: UserLine, import_user: NameTurns
) -> asyncio.Task[ImportResult] | InvalidLine:
    try:
        user = checked.parse(line)
    except InvalidLine as error:
        return error
    return asyncio.create_task(import_user(user))


async def _count(
    line: UserLine,
    begun: asyncio.Task[ImportResult] | InvalidLine,
    checked: "CheckedLines",
    counts: ImportCounts,
    observer: Observer,
) -> None:
    """Count a line as soon as it is known what became of it."""
    outcome = ImportOutcome.REJECTED
    problem: RejectionReason | None
    if isinstance(begun, InvalidLine):
        problem, message = begun.problem, begun.message
    else:
        result = await begun
        outcome, problem, message = result.outcome, result.problem, result.message
        counts.blocked += result.is_blocked
    counts.outcomes[outcome] += 1
    if outcome is ImportOutcome.REJECTED and checked.parse_line.is_blocked(line):
        counts.rejected_blocked += 1
    if problem is not None:
        counts.problems[problem] += 1
        observer.on_line(line, problem, message)
    observer.on_progress(counts)


async def _cancel(tasks: Sequence[asyncio.Task[ImportResult]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _ids_of(user: ImportedUser) -> list[str]:
    ids = [f"id {user.id}"] if user.id else []
    return [*ids, f"external {user.external_id}"] if user.external_id else ids
