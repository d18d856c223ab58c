"""The lines of a file that is imported, and what becomes of them."""

import asyncio
import re
from array import array
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from application.tasks import start_task
from domain.administration.audit import Actor

_LINES_PER_TURN: Final = 200
"""How many lines are read before others, such as a signal, have their turn."""
_PARTS: Final = 256


class ImportOutcome(StrEnum):
    """What became of a line."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    """It was imported before."""
    COMPLETED = "completed"
    """An earlier import was interrupted, or had less data of a user who has not signed in yet; or
    the user has other claims now."""
    DELETED = "deleted"
    """It was imported before, and was deleted here since."""
    REJECTED = "rejected"


class ImportProblem(StrEnum):
    """Why a line is not imported, or not with all that it says."""

    INVALID_LINE = "invalid_line"
    INVALID_ID = "invalid_id"
    INVALID_CREATED_AT = "invalid_created_at"
    REPEATED_ID = "repeated_id"
    ID_IN_USE = "id_in_use"
    # Users
    NO_PHONE = "no_phone"
    INVALID_PHONE = "invalid_phone"
    AMBIGUOUS_PHONE = "ambiguous_phone"
    UNSUPPORTED_PHONE_TYPE = "unsupported_phone_type"
    SPREADSHEET_NUMBER = "spreadsheet_number"
    INVALID_BLOCKED = "invalid_blocked"
    INVALID_CLAIMS = "invalid_claims"
    REPEATED_PHONE = "repeated_phone"
    PHONE_IN_USE = "phone_in_use"
    PHONE_BLOCKED = "phone_blocked"
    FIXED_CODE = "test_phone"
    USER_DELETED = "user_deleted"
    EXTERNAL_ID_IN_USE = "external_id_in_use"
    NOT_BLOCKED = "not_blocked"
    USERNAME_IN_USE = "username_in_use"
    USERNAME_REFUSED = "username_refused"
    # Items
    OWNER_NOT_IMPORTED = "owner_not_imported"
    CATEGORY_DROPPED = "category_dropped"
    FILE_MISSING = "file_missing"
    FILE_OUTSIDE = "file_outside"
    FILE_UNREADABLE = "file_unreadable"
    FILE_TOO_LARGE = "file_too_large"
    UNSUPPORTED_IMAGE_TYPE = "unsupported_image_type"
    INVALID_IMAGE = "invalid_image"


Key: TypeAlias = tuple[ImportProblem, str]
"""What only one line may have: a text, and the problem of several lines with it."""


@dataclass(frozen=True, slots=True)
class ImportRun:
    """Who imports and why, for the audit."""

    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file.

    Attributes:
        number: The number of the line, or of its first one, from 1.
        fields: The fields as they are there. All lines of a file have the same.
    """

    number: int
    fields: Mapping[str, str]
    message: str = ""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a line; of a dry run, what would.

    Attributes:
        problem: Why it is rejected, or what of it is left out.
        message: More words on the problem. They never have a phone number.
        is_blocked: Whether the import blocks the user; of a rejected line, whether the user is
            blocked there.
    """

    outcome: ImportOutcome
    problem: ImportProblem | None = None
    message: str = ""
    is_blocked: bool = False

    @property
    def is_rejected(self) -> bool:
        return self.outcome is ImportOutcome.REJECTED


@dataclass(frozen=True, slots=True)
class InvalidLine:
    """A line that says nothing to import.

    Another line with one of the `keys` is not imported either.
    """

    result: ImportResult
    keys: Sequence[Key] = ()


class Importable(Protocol):
    """What a line says: a user, or an item."""

    @property
    def keys(self) -> Sequence[Key]:
        """What no other line may have."""
        ...

    @property
    def name_key(self) -> str | None:
        """What several lines may want, and only the first of them gets."""
        ...

    def reject(self, problem: ImportProblem, message: str = "") -> ImportResult: ...


T = TypeVar("T", bound=Importable)


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """A file that is read twice, and what its lines say.

    `read` begins anew with each call.
    """

    read: Callable[[], Iterator[Line]]
    parse: Callable[[Line], T | InvalidLine]


@dataclass(slots=True)
class ImportCounts:
    """What became of the lines.

    Attributes:
        incomplete: How many are imported without something that they say, for each reason.
        blocked: How many of the created and completed users the import has blocked.
        rejected_blocked: How many of the rejected lines are of users who are blocked there.
    """

    lines: int = 0
    outcomes: Counter[ImportOutcome] = field(default_factory=Counter)
    rejected: Counter[ImportProblem] = field(default_factory=Counter)
    incomplete: Counter[ImportProblem] = field(default_factory=Counter)
    blocked: int = 0
    rejected_blocked: int = 0
    is_complete: bool = False

    @property
    def done(self) -> int:
        """How many lines were looked at."""
        return self.outcomes.total()

    def add(self, result: ImportResult) -> None:
        self.outcomes[result.outcome] += 1
        if result.is_rejected:
            self.rejected_blocked += result.is_blocked
        else:
            self.blocked += result.is_blocked
        if result.problem is not None:
            problems = self.rejected if result.is_rejected else self.incomplete
            problems[result.problem] += 1


class Observer:
    """Shows the progress of an import, and can stop it."""

    def on_problem(self, line: Line, problem: ImportProblem, message: str) -> None:
        """Take a line that is rejected, or is imported without something that it says."""

    def on_checked(self, lines: int) -> None:
        """Take how many lines the check has read."""

    def on_progress(self, counts: ImportCounts) -> None:
        """Take the counts so far."""

    def should_stop(self) -> bool:
        """Return whether no more lines are to be begun."""
        return False


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
class CheckedLines(Generic[T]):
    """A file that can be read as a whole, and what occurs in several of its lines.

    `repeated` has hashes of 64 bits with a random key (SipHash, as Python hashes texts): of five
    million lines, two differ and have one hash with a probability of a millionth.
    """

    source: Source[T]
    lines: int
    repeated: frozenset[int]

    def is_name_repeated(self, value: T) -> bool:
        return value.name_key is not None and hash(value.name_key) in self.repeated

    def find_repetition(self, value: T) -> ImportProblem | None:
        return next((key[0] for key in value.keys if hash(key) in self.repeated), None)


async def check_lines(source: Source[T], observer: Observer) -> CheckedLines[T]:
    """Read the file, and find what occurs in several lines. Nothing is written.

    A line that is rejected for another reason counts, too.
    """
    found, lines = _Occurrences(), 0
    for line in source.read():
        lines += 1
        if lines % _LINES_PER_TURN == 0:
            observer.on_checked(lines)
            await asyncio.sleep(0)
            if observer.should_stop():
                break
        value = source.parse(line)
        for key in value.keys:
            found.add(hash(key))
        if not isinstance(value, InvalidLine) and value.name_key is not None:
            found.add(hash(value.name_key))
    return CheckedLines(source, lines, found.find_repeated())


async def import_lines(
    checked: CheckedLines[T],
    import_one: Callable[[T], Coroutine[Any, Any, ImportResult]],
    parallel: int,
    observer: Observer,
) -> ImportCounts:
    """Import the lines of a checked file, some at a time, and report them in their order."""

    def begin(line: Line) -> ImportResult | asyncio.Task[ImportResult]:
        value = checked.source.parse(line)
        if isinstance(value, InvalidLine):
            return value.result
        if problem := checked.find_repetition(value):
            return value.reject(problem)
        return start_task("import_line", import_one(value))

    async def end(line: Line, begun: ImportResult | asyncio.Task[ImportResult]) -> None:
        result = await begun if isinstance(begun, asyncio.Task) else begun
        counts.add(result)
        if result.problem is not None:
            observer.on_problem(line, result.problem, result.message)
        observer.on_progress(counts)
        if counts.done % _LINES_PER_TURN == 0:
            await asyncio.sleep(0)

    counts = ImportCounts(checked.lines)
    waiting = deque[tuple[Line, ImportResult | asyncio.Task[ImportResult]]]()
    try:
        for line in checked.source.read():
            if observer.should_stop():
                break
            waiting.append((line, begin(line)))
            if len(waiting) > parallel:
                await end(*waiting.popleft())
        else:
            counts.is_complete = True
        while waiting:
            await end(*waiting.popleft())
    finally:
        await _cancel([begun for _, begun in waiting if isinstance(begun, asyncio.Task)])
    return counts


async def _cancel(tasks: Sequence[asyncio.Task[ImportResult]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


_FIRST_YEAR: Final = 1970
_UNIX_SECONDS: Final = re.compile(r"\d{9,10}(?:\.\d{1,9})?")
_UNIX_MILLISECONDS: Final = re.compile(r"\d{12,13}")
# Databases write `2024-01-01 10:11:12 UTC`, and `2024-01-01 10:11:12 +0000`.
_UTC_NAME: Final = re.compile(r"(?<=\d) ?(?:UTC|GMT)\Z", re.IGNORECASE)
_OFFSET_SPACE: Final = re.compile(r"(?<=\d) (?=[+-]\d\d:?\d\d\Z)")


class InvalidField(Exception):
    """A field says nothing that can be imported. The message never has a phone number."""

    def __init__(self, problem: ImportProblem, message: str = "") -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.message = message


def parse_time(text: str) -> datetime | None:
    """Parse ISO 8601 (UTC without an offset), or seconds or milliseconds since 1970; None if empty.

    Raises:
        InvalidField
    """
    if not text.strip():
        return None
    try:
        time = _read_time(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidField(ImportProblem.INVALID_CREATED_AT) from None
    if time.year < _FIRST_YEAR:
        raise InvalidField(ImportProblem.INVALID_CREATED_AT)
    return time


def _read_time(text: str) -> datetime:
    if _UNIX_MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    if _UNIX_SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    without_name = _UTC_NAME.sub("", text)
    time = datetime.fromisoformat(_OFFSET_SPACE.sub("", without_name))
    if without_name != text and time.utcoffset():
        raise ValueError
    return time if time.tzinfo else time.replace(tzinfo=UTC)
