"""The users of a file: checked as a whole, imported in parallel, reported in order."""

from collections.abc import Iterator, Sequence

import pytest

from application.features.imports.feature import ImportsFeature
from application.features.imports.lines import (
    CheckedLines,
    ImportCounts,
    ImportOutcome,
    ImportProblem,
    Line,
    Observer,
    Source,
    check_lines,
)
from application.features.imports.user_lines import ImportedUser, UserLines
from application.ports.errors import StorageUnavailable
from domain.phone import DEFAULT_RULES
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.imports.builders import IMPORT_RUN


class Recorder(Observer):
    """Remembers what it is told, and stops after some lines."""

    def __init__(self, *, stops_after: int | None = None) -> None:
        self.listed: list[tuple[int, ImportProblem]] = []
        self.stops_after = stops_after
        self.done = 0

    def on_problem(self, line: Line, problem: ImportProblem, message: str) -> None:
        self.listed.append((line.number, problem))

    def on_progress(self, counts: ImportCounts) -> None:
        self.done = counts.done

    def should_stop(self) -> bool:
        return self.stops_after is not None and self.done >= self.stops_after


def lines_of(users: Sequence[dict[str, str]]) -> Iterator[Line]:
    yield from (Line(number, fields) for number, fields in enumerate(users, 1))


def users(count: int) -> list[dict[str, str]]:
    return [{"phone": a_phone(number).e164, "id": f"m{number}"} for number in range(count)]


async def check(listed: Sequence[dict[str, str]]) -> CheckedLines[ImportedUser]:
    parser = UserLines(default_region=None, rules=DEFAULT_RULES)
    return await check_lines(Source(lambda: lines_of(listed), parser.parse), Recorder())


async def import_all(
    app: AppHarness,
    listed: Sequence[dict[str, str]],
    recorder: Recorder | None = None,
    *,
    dry_run: bool = False,
) -> ImportCounts:
    checked = await check(listed)
    import_users = app.use_cases.of(ImportsFeature).import_users
    return await import_users(checked, recorder or Recorder(), None if dry_run else IMPORT_RUN)


async def test_users_who_are_blocked_there_are_counted(app: AppHarness) -> None:
    rejected = {"phone": "123", "blocked": "true"}
    in_use = {"phone": a_phone(8).e164, "external_id": "other", "blocked": "true"}
    await app.log_in(a_phone(8))
    listed = [{**user, "blocked": "yes"} for user in users(3)]

    counts = await import_all(app, [*listed, rejected, in_use, {"phone": a_phone(9).e164}])
    again = await import_all(app, [*listed, rejected])

    assert (counts.blocked, counts.rejected_blocked) == (3, 2)
    assert (again.blocked, again.rejected_blocked) == (0, 1)


async def test_of_several_users_with_one_phone_or_id_none_is_imported(app: AppHarness) -> None:
    one, two, three = (a_phone(number).e164 for number in (1, 2, 3))
    listed = [
        {"phone": one, "id": "a"},
        {"phone": two, "id": "b"},
        {"phone": one.replace("+1", "001 "), "id": "c"},
        {"phone": three, "id": "b"},
        {"phone": a_phone(4).e164, "id": "d"},
        {"phone": ""},
        {"phone": a_phone(5).e164},
        # With another fault it counts as well.
        {"phone": a_phone(5).e164, "created_at": "yesterday"},
    ]
    recorder = Recorder()

    counts = await import_all(app, listed, recorder)

    assert recorder.listed == [
        (1, ImportProblem.REPEATED_PHONE),
        (2, ImportProblem.REPEATED_ID),
        (3, ImportProblem.REPEATED_PHONE),
        (4, ImportProblem.REPEATED_ID),
        (6, ImportProblem.NO_PHONE),
        (7, ImportProblem.REPEATED_PHONE),
        (8, ImportProblem.INVALID_CREATED_AT),
    ]
    assert counts.outcomes == {ImportOutcome.CREATED: 1, ImportOutcome.REJECTED: 7}
    assert app.database.phone_verifications.keys() == {a_phone(4)}


async def test_an_import_that_was_stopped_goes_on_with_a_repeat(app: AppHarness) -> None:
    listed = users(120)

    stopped = await import_all(app, listed, Recorder(stops_after=40))
    repeated = await import_all(app, listed)

    created = stopped.outcomes[ImportOutcome.CREATED]
    assert not stopped.is_complete
    assert 40 <= created < 120
    assert repeated.is_complete
    assert repeated.outcomes == {
        ImportOutcome.UNCHANGED: created,
        ImportOutcome.CREATED: 120 - created,
    }
    assert len(app.database.identities) == 120


async def test_a_database_that_is_away_ends_the_import_and_leaves_no_task(
    app: AppHarness,
) -> None:
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await import_all(app, users(40))
    app.faults.reset()

    counts = await import_all(app, users(40))

    assert counts.is_complete
    assert len(app.database.identities) == 40


@pytest.mark.parametrize("dry_run", [True, False])
async def test_of_several_users_with_one_name_the_first_gets_it(
    app: AppHarness, *, dry_run: bool
) -> None:
    names = ["Rahul", "  rahul", "", "RAHUL ", "Zoe", "admin", "admin"]
    listed = [
        {**user, "username": name} for user, name in zip(users(len(names)), names, strict=True)
    ]
    recorder = Recorder()

    counts = await import_all(app, listed, recorder, dry_run=dry_run)

    assert counts.outcomes == {ImportOutcome.CREATED: len(names)}
    assert recorder.listed == [
        (2, ImportProblem.USERNAME_IN_USE),
        (4, ImportProblem.USERNAME_IN_USE),
        (6, ImportProblem.USERNAME_REFUSED),
        (7, ImportProblem.USERNAME_REFUSED),
    ]


async def test_a_name_is_free_if_the_first_user_with_it_is_rejected(app: AppHarness) -> None:
    blocked, free = users(2)
    await app.identities.operator_actions.block(a_phone(0))
    listed = [{**blocked, "username": "Rahul"}, {**free, "username": "Rahul"}]
    recorder = Recorder()

    await import_all(app, listed, recorder, dry_run=True)

    assert recorder.listed == [(1, ImportProblem.PHONE_BLOCKED)]
