"""The users of a file: parsed, checked as a whole, imported in parallel, reported in order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import pytest

from application.features.imports.feature import ImportsFeature
from application.features.imports.lines import (
    ImportCounts,
    ImportOutcome,
    ImportProblem,
    InvalidLine,
    Line,
    Observer,
    Source,
    check_lines,
)
from application.features.imports.user_lines import ImportedUser, UserLines
from domain.phone import DEFAULT_RULES
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.imports.builders import IMPORT_RUN

PHONE: Final = "+14155550101"


def read(region: str | None = None, **fields: str) -> ImportedUser | InvalidLine:
    parser = UserLines(default_region=region, rules=DEFAULT_RULES)
    return parser.parse(Line(7, {"phone": PHONE, **fields}))


def parse(region: str | None = None, **fields: str) -> ImportedUser:
    user = read(region, **fields)
    assert isinstance(user, ImportedUser)
    return user


def test_fields_are_read_as_people_and_other_systems_write_them() -> None:
    for text, claims in (('{"b": [1], "a": "x"}', '{"a":"x","b":[1]}'), ("{}", ""), (" ", None)):
        assert parse(claims=text).claims == claims
    for text in (PHONE, "(415) 555-0101", "tel:+1-415-555-0101"):
        assert parse("US", phone=text).phone.e164 == PHONE
    for flag, is_blocked in (
        ("", False),
        ("TRUE", True),  # a boolean in any case
        (" t ", True),  # of PostgreSQL
        ("yes", True),
        ("1", True),
        ("False", False),
        ("null", False),  # nothing
    ):
        assert parse(blocked=flag).is_blocked is is_blocked
    # A name that is a phone number is none.
    for name in (PHONE, "(415) 555-0101", "  "):
        assert parse("US", username=name).username is None
    assert parse(username="Zoë").username == "Zoë"


@pytest.mark.parametrize(
    ("region", "text", "problem"),
    [
        (None, " ", ImportProblem.NO_PHONE),
        (None, "9.19877E+11", ImportProblem.SPREADSHEET_NUMBER),  # digits are lost
        (None, "14155550101.0", ImportProblem.SPREADSHEET_NUMBER),  # a decimal number
        (None, "123", ImportProblem.INVALID_PHONE),
        (None, "+18005550101", ImportProblem.UNSUPPORTED_PHONE_TYPE),
        ("SE", "468123456", ImportProblem.AMBIGUOUS_PHONE),
    ],
)
def test_a_phone_that_is_none_says_why_without_the_number(
    region: str | None, text: str, problem: ImportProblem
) -> None:
    line = read(region, phone=text)
    assert isinstance(line, InvalidLine)
    assert line.result.problem is problem
    assert text.strip() == "" or text not in line.result.message


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2020-05-01 11:30:00+02", datetime(2020, 5, 1, 9, 30, tzinfo=UTC)),
        ("2020-05-01", datetime(2020, 5, 1, tzinfo=UTC)),
        ("2020-05-01 09:30:00 UTC", datetime(2020, 5, 1, 9, 30, tzinfo=UTC)),
        ("2020-05-01T09:30:00.5GMT", datetime(2020, 5, 1, 9, 30, 0, 500_000, tzinfo=UTC)),
        ("2020-05-01 11:30:00 +0200", datetime(2020, 5, 1, 9, 30, tzinfo=UTC)),
        ("2020-05-01 09:30:00 +0000 UTC", datetime(2020, 5, 1, 9, 30, tzinfo=UTC)),
        ("1588325400000", datetime(2020, 5, 1, 9, 30, tzinfo=UTC)),
        ("1588325400.5", datetime(2020, 5, 1, 9, 30, 0, 500_000, tzinfo=UTC)),
        (" ", None),
    ],
)
def test_a_time_is_iso_8601_or_unix_time(text: str, time: datetime | None) -> None:
    assert parse(created_at=text).created_at == time


def test_an_id_of_another_form_is_an_external_id() -> None:
    own = parse(id="5F7C8EC7C33C6C004BBAFE82")
    assert (own.id, own.external_id) == ("5f7c8ec7c33c6c004bbafe82", None)
    other = parse(id="auth0|5f7c8ec7c33c6c004bbafe82")
    assert (other.id, other.external_id) == (None, "auth0|5f7c8ec7c33c6c004bbafe82")
    assert parse(id="  ").external_id is None


def test_blocks_are_ignored_if_the_operator_says_so() -> None:
    parser = UserLines(default_region=None, rules=DEFAULT_RULES, ignores_blocks=True)
    for text in ("true", "maybe"):
        user = parser.parse(Line(7, {"phone": PHONE, "blocked": text}))
        assert isinstance(user, ImportedUser)
        assert not user.is_blocked


@pytest.mark.parametrize(
    ("field", "problem", "texts"),
    [
        (
            "claims",
            ImportProblem.INVALID_CLAIMS,
            ["x", "[]", '{"a": NaN}', f'{{"a": "{"x" * 512}"}}'],
        ),
        (
            "created_at",
            ImportProblem.INVALID_CREATED_AT,
            ["yesterday", "0001-01-01", "01/05/2020", "2020-05-01 CET", "UTC"],
        ),
        ("blocked", ImportProblem.INVALID_BLOCKED, ["maybe", "2"]),
        ("id", ImportProblem.INVALID_ID, ["Zoë", "x" * 129, " 7"]),
    ],
)
def test_another_text_is_a_problem_of_the_line(
    field: str, problem: ImportProblem, texts: list[str]
) -> None:
    for text in texts:
        line = read(**{field: text})
        assert isinstance(line, InvalidLine), text
        assert line.result.problem is problem


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


def users(count: int) -> list[dict[str, str]]:
    return [{"phone": a_phone(number).e164, "id": f"m{number}"} for number in range(count)]


async def import_all(
    app: AppHarness,
    listed: Sequence[dict[str, str]],
    recorder: Recorder | None = None,
    *,
    dry_run: bool = False,
) -> ImportCounts:
    parser = UserLines(default_region=None, rules=DEFAULT_RULES)
    lines = [Line(number, fields) for number, fields in enumerate(listed, 1)]
    checked = await check_lines(Source(lambda: iter(lines), parser.parse), Recorder())
    import_users = app.use_cases.of(ImportsFeature).import_users
    return await import_users(checked, recorder or Recorder(), None if dry_run else IMPORT_RUN)


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
