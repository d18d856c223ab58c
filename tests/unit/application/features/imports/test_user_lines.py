"""What a line of a file says about a user."""

from datetime import UTC, datetime
from typing import Final

import pytest

from application.features.imports.lines import ImportProblem, InvalidLine, Line
from application.features.imports.user_lines import ImportedUser, UserLines
from domain.phone import DEFAULT_RULES

PHONE: Final = "+14155550101"


def read(region: str | None = None, **fields: str) -> ImportedUser | InvalidLine:
    parser = UserLines(default_region=region, rules=DEFAULT_RULES)
    return parser.parse(Line(7, {"phone": PHONE, **fields}))


def parse(region: str | None = None, **fields: str) -> ImportedUser:
    user = read(region, **fields)
    assert isinstance(user, ImportedUser)
    return user


def problem_of(region: str | None = None, **fields: str) -> ImportProblem | None:
    line = read(region, **fields)
    assert isinstance(line, InvalidLine)
    return line.result.problem


@pytest.mark.parametrize(
    ("text", "claims"), [('{"b": [1], "a": "x"}', '{"a":"x","b":[1]}'), ("{}", ""), (" ", None)]
)
def test_claims_are_an_object_of_json(text: str, claims: str | None) -> None:
    assert parse(claims=text).claims == claims


@pytest.mark.parametrize("text", ["x", "[]", '{"a": NaN}', f'{{"a": "{"x" * 512}"}}'])
def test_other_claims_are_a_problem_of_the_line(text: str) -> None:
    assert problem_of(claims=text) is ImportProblem.INVALID_CLAIMS


@pytest.mark.parametrize("text", [PHONE, "(415) 555-0101", "tel:+1-415-555-0101"])
def test_a_phone_is_read_as_at_a_sign_in(text: str) -> None:
    assert parse("US", phone=text).phone.e164 == PHONE


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


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "0001-01-01",
        "01/05/2020",
        "2020-05-01 CET",
        "UTC",
        "2020-05-01 11:30 +02:00 UTC",
    ],
)
def test_another_time_is_rejected(text: str) -> None:
    assert problem_of(created_at=text) is ImportProblem.INVALID_CREATED_AT


def test_an_id_of_another_form_is_an_external_id() -> None:
    own = parse(id="5F7C8EC7C33C6C004BBAFE82")
    assert (own.id, own.external_id) == ("5f7c8ec7c33c6c004bbafe82", None)
    other = parse(id="auth0|5f7c8ec7c33c6c004bbafe82")
    assert (other.id, other.external_id) == (None, "auth0|5f7c8ec7c33c6c004bbafe82")
    assert parse(id="  ").external_id is None
    for text in ("Zoë", "x" * 129, " 7"):
        assert problem_of(id=text) is ImportProblem.INVALID_ID


@pytest.mark.parametrize(
    ("text", "is_blocked"),
    [
        ("", False),
        ("TRUE", True),  # a boolean in any case
        (" t ", True),  # of PostgreSQL
        ("yes", True),
        ("1", True),
        ("False", False),
        ("null", False),  # nothing
    ],
)
def test_who_is_blocked_is_a_flag(text: str, is_blocked: bool) -> None:
    assert parse(blocked=text).is_blocked is is_blocked


@pytest.mark.parametrize("text", ["maybe", "2"])
def test_another_text_says_not_who_is_blocked(text: str) -> None:
    assert problem_of(blocked=text) is ImportProblem.INVALID_BLOCKED


def test_a_line_that_is_no_user_may_say_that_its_user_is_blocked() -> None:
    parser = UserLines(default_region=None, rules=DEFAULT_RULES)
    line = parser.parse(Line(7, {"phone": PHONE, "blocked": "true"}, "A field is a list."))

    assert isinstance(line, InvalidLine)
    assert line.result.is_blocked


def test_blocks_are_ignored_if_the_operator_says_so() -> None:
    parser = UserLines(default_region=None, rules=DEFAULT_RULES, ignores_blocks=True)
    for text in ("true", "maybe"):
        user = parser.parse(Line(7, {"phone": PHONE, "blocked": text}))
        assert isinstance(user, ImportedUser)
        assert not user.is_blocked


def test_a_name_that_is_a_phone_number_is_no_name() -> None:
    assert parse(username=PHONE).username is None
    assert parse("US", username="(415) 555-0101").username is None
    assert parse(username="  ").username is None
    assert parse(username="Zoë").username == "Zoë"
