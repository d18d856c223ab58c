"""`dialtone restore-check`: what the journal has and a restored backup lacks; repeat it."""

import asyncio
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from application.administration.caller import Caller
from application.journal.check_restore import (
    BlindIndex,
    CheckRestoreQuery,
    Finding,
    State,
)
from application.journal.feature import JournalFeature
from application.journal.lines import UnreadableLine, parse_entry
from application.ports.keys import KeyPurpose
from application.use_cases import UseCases
from domain.journal.entry import JournalEntry
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import parse_file, parse_reason_option
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features import FEATURES
from entrypoints.features.journal import JOURNAL, JournalSettings
from entrypoints.opening.keys import load_keys, make_phone_encryption
from entrypoints.opening.startup_error import CommandError, InvalidArgument
from entrypoints.settings.settings import Settings

_TIME: Final = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, slots=True)
class _Result:
    newest_at: datetime | None
    found: Sequence[Finding]
    after: Sequence[Finding]


def restore_check(settings: Settings, arguments: Namespace) -> Iterator[str]:
    """List what the database lacks, and with `--apply` repeat it.

    Raises:
        CommandError: something is left.
    """
    if not arguments.apply and (arguments.reason or arguments.acts_as):
        raise InvalidArgument("--reason and --as are for --apply.")
    reason = parse_reason_option(arguments.reason, is_required=arguments.apply)
    caller = parse_operator(arguments)
    files = [parse_file(file) for file in arguments.journal] or _file_of(settings)
    since = _parse_since(arguments.since)
    entries, unreadable = _read_all(files)
    entries = [entry for entry in entries if since is None or entry.at >= since]
    indexes, index_key = _make_indexes(settings, [parse_file(each) for each in arguments.secrets])
    query = CheckRestoreQuery(
        entries=entries, indexes=indexes, index_key=index_key, now=datetime.now(UTC)
    )
    of_items = [feature.item_acts for feature in FEATURES if feature.item_acts is not None]
    with explain_errors():
        result = call_with_use_cases(
            settings,
            lambda use_cases: _check(use_cases, query, caller, reason),
            [*of_items, JOURNAL],
        )
    yield from _render(entries, unreadable, result)
    left = sum(finding.state is not State.IN_EFFECT for finding in result.after)
    if left:
        lacking = sum(finding.state is State.LACKING for finding in result.after)
        hint = f" --apply --reason TEXT repeats {lacking} of them." if lacking else ""
        raise CommandError(f"Left: {left}.{hint}")
    if unreadable:
        raise CommandError(f"Lines that could not be read: {unreadable}. Look at them.")


async def _check(
    use_cases: UseCases, query: CheckRestoreQuery, caller: Caller, reason: str
) -> _Result:
    check = use_cases.of(JournalFeature).check_restore
    newest_at = await check.find_newest_time(query.now)
    query = replace(query, newest_at=newest_at)
    found = await check(query)
    after = found
    if reason:
        after = [await check.repeat(finding, query, caller, reason) for finding in found]
    return _Result(newest_at, found, after)


def _render(entries: Sequence[JournalEntry], unreadable: int, result: _Result) -> Iterator[str]:
    times = [entry.at for entry in entries]
    span = f", from {min(times):{_TIME}} to {max(times):{_TIME}}" if times else ""
    yield f"journal: {len(entries)} lines{span}"
    if unreadable:
        yield f"lines that could not be read: {unreadable}"
    newest = f"{result.newest_at:{_TIME}}" if result.newest_at else "not known"
    yield f"newest record of the service in the database, about the time of the backup: {newest}"
    counts: Counter[str] = Counter()
    for found, after in zip(result.found, result.after, strict=True):
        was_repeated = found.state is State.LACKING and after.state is State.IN_EFFECT
        word = "repeated" if was_repeated else _WORDS[after.state]
        counts[word] += 1
        if word != _WORDS[State.IN_EFFECT]:
            advice = f": {after.advice}" if after.advice else ""
            yield f"{word}  {_describe(after.entry)}{advice}"
    yield ", ".join(f"{word}: {number}" for word, number in sorted(counts.items())) or "nothing"


_WORDS: Final[Mapping[State, str]] = {
    State.IN_EFFECT: "in effect",
    State.LACKING: "lacking",
    State.BY_HAND: "by hand",
}


def _describe(entry: JournalEntry) -> str:
    subject = entry.id or f"phone with the blind index {entry.phone_index}"
    item = f" item {entry.item_id}" if entry.item_id else ""
    return f"{entry.at:{_TIME}}  {entry.action.value}  {subject}{item}"


def _file_of(settings: Settings) -> list[Path]:
    journal = settings.of(JournalSettings).journal
    if isinstance(journal, Path):
        return [journal]
    raise InvalidArgument(
        "--journal FILE is missing: DIALTONE_JOURNAL names no file. Save the lines that your hook "
        "got, one in each line."
    )


def _parse_since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgument("--since: a time is written like 2026-05-01T09:30:00Z.") from None
    return since if since.tzinfo else since.replace(tzinfo=UTC)


def _read_all(files: Sequence[Path]) -> tuple[list[JournalEntry], int]:
    """Return the entries of the files, and how many lines are no entries."""
    entries, unreadable = [], 0
    for file in files:
        try:
            with file.open("rb") as lines:
                for line in lines:
                    try:
                        entries.append(parse_entry(line.decode()))
                    except (UnreadableLine, UnicodeDecodeError):
                        unreadable += bool(line.strip())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    return entries, unreadable


def _make_indexes(
    settings: Settings, secrets_files: Sequence[Path]
) -> tuple[Mapping[str, BlindIndex], str]:
    """Return how to make a blind index by the id of its key, and the id of the present key."""
    from adapters.keys.keys import load_secrets_file
    from adapters.system import SystemClock

    keys = asyncio.run(load_keys(settings, SystemClock()))
    present = keys.current()[KeyPurpose.PHONE_INDEX]
    former = [
        key
        for file in secrets_files
        for key in load_secrets_file(file, max_index_keys=2).keys[KeyPurpose.PHONE_INDEX]
    ]
    indexes = {key.id: make_phone_encryption(keys, key).blind_index for key in (*former, *present)}
    return indexes, present[0].id
