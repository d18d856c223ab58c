"""The users of a file are parsed, checked as a whole and imported once, whatever interrupts it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest

from application.features.imports.lines import (
    ImportCounts,
    ImportOutcome,
    ImportProblem,
    ImportResult,
    InvalidLine,
    Line,
    Observer,
    Source,
    check_lines,
)
from application.features.imports.user_lines import ImportedUser, UserLines
from application.identities.events import PhoneBlockedByOperator
from application.ports.errors import StorageUnavailable
from domain.administration.audit import AuditAction
from domain.errors import AccountBlocked, AuditFailed
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.otp.challenge import OtpCode
from domain.otp.fixed_codes import FixedCode, FixedCodes
from domain.phone import DEFAULT_RULES
from entrypoints.features.imports import IMPORTS
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import NOW, a_phone, an_id
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
    import_users = IMPORTS.of(app.use_cases).import_users
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


YEARS_AGO = NOW - timedelta(days=1000)
EXTERNAL_ID = ExternalId("auth0|5f7c8ec7c33c6c004bbafe82")
FIELDS: Final[dict[str, Any]] = {"username": "Rahul Sharma", "created_at": YEARS_AGO}


async def import_user(
    app: AppHarness, *, dry_run: bool = False, number: int = 1, **fields: Any
) -> ImportResult:
    user = ImportedUser(phone=a_phone(number), **fields)
    return await IMPORTS.of(app.use_cases).import_user(user, None if dry_run else IMPORT_RUN)


def stored(app: AppHarness) -> list[Identity]:
    return [identity.value for identity in app.database.identities.values()]


def outcomes(*results: ImportResult) -> list[tuple[ImportOutcome, ImportProblem | None]]:
    return [(result.outcome, result.problem) for result in results]


CREATED, UNCHANGED = (ImportOutcome.CREATED, None), (ImportOutcome.UNCHANGED, None)


def rejected(problem: ImportProblem) -> tuple[ImportOutcome, ImportProblem | None]:
    return ImportOutcome.REJECTED, problem


async def test_an_account_is_completed_until_its_owner_signs_in_and_claims_are_set_later_too(
    app: AppHarness,
) -> None:
    ids: dict[str, Any] = {"id": an_id(7), "external_id": EXTERNAL_ID}
    await import_user(app, id=an_id(7), claims='{"plan":"pro"}')
    completed = await import_user(app, **ids, **FIELDS)
    assert outcomes(completed) == [(ImportOutcome.COMPLETED, None)]
    [entry] = app.database.audit_entries
    assert (entry.subject, entry.reason) == (an_id(7), IMPORT_RUN.reason)
    assert only_identity(app).created_at == YEARS_AGO
    assert only_identity(app).claims == '{"plan":"pro"}'
    user_id = (await app.log_in()).identity.id
    in_use = await import_user(app, **{**ids, "external_id": ExternalId("another")})
    earlier = await import_user(app, **ids, created_at=YEARS_AGO - timedelta(days=1))
    assert outcomes(in_use, earlier) == [rejected(ImportProblem.PHONE_IN_USE), UNCHANGED]
    app.database.records.tables["audit_entries"].clear()
    planned = await import_user(app, **ids, claims='{"plan":"free"}', dry_run=True)
    changed = await import_user(app, **ids, claims='{"plan":"free"}')
    assert planned == changed == ImportResult(ImportOutcome.COMPLETED)
    [entry] = app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.IMPORT_USERS, user_id)
    for claims in ('{"plan":"free"}', None):
        assert outcomes(await import_user(app, **ids, claims=claims)) == [UNCHANGED]
    assert only_identity(app).claims == '{"plan":"free"}'


@pytest.mark.parametrize(
    ("ids", "is_blocked"),
    [({"id": an_id(7)}, True), ({"external_id": EXTERNAL_ID}, False), ({}, True)],
    ids=["an id", "an external id", "a phone only"],
)
async def test_a_repeat_completes_an_interrupted_import(
    ids: dict[str, Any], is_blocked: bool
) -> None:
    async def start() -> tuple[AppHarness, Act]:
        app = AppHarness()
        return app, partial(import_user, app, **ids, **FIELDS, is_blocked=is_blocked)

    async for app, repeat in at_each_operation(start, Fault.KILLED, Fault.LOST):
        assert all(identity.is_blocked is is_blocked for identity in stored(app))

        result = await repeat()

        (imported,) = stored(app)
        assert isinstance(result, ImportResult)
        assert not result.is_rejected
        assert imported.external_id == ids.get("external_id")
        assert (imported.created_at, imported.username is None) == (YEARS_AGO, False)
        assert (imported.is_blocked, imported.is_verified) == (is_blocked, True)
        assert imported.imported.was_blocked is is_blocked
        assert None not in (imported.imported.at, imported.last_used_at)
        if is_blocked:
            await app.identities.operator_actions.unblock(a_phone())
        assert (await app.log_in()).identity.id == imported.id


@pytest.mark.parametrize("ids", [{"id": an_id(7)}, {"external_id": EXTERNAL_ID}])
async def test_an_owner_who_signs_in_during_the_import_has_the_imported_identity(
    app: AppHarness, ids: dict[str, Any]
) -> None:
    app.faults.fail_on("identities.add")
    with pytest.raises(StorageUnavailable):
        await import_user(app, **ids, **FIELDS)
    signed_in = (await app.log_in()).identity

    result = await import_user(app, **ids, **FIELDS)

    (imported,) = stored(app)
    assert result.outcome is ImportOutcome.COMPLETED
    assert signed_in.id == ids.get("id", imported.id)
    assert (imported.id, imported.created_at) == (signed_in.id, YEARS_AGO)
    assert imported.username is not None
    assert len(imported.sessions) == 1
    assert outcomes(await import_user(app, **ids, **FIELDS)) == [UNCHANGED]


async def test_an_account_that_was_made_here_is_never_changed(app: AppHarness) -> None:
    made_here = (await app.log_in()).identity
    before = stored(app)
    own: dict[str, Any] = {"id": made_here.id}

    results = [
        await import_user(app, **own, external_id=EXTERNAL_ID, **FIELDS),
        await import_user(app, **own, **FIELDS),
        await import_user(app, **FIELDS),
        await import_user(app, **own, is_blocked=True),
    ]

    in_use, not_blocked = ImportProblem.PHONE_IN_USE, ImportProblem.NOT_BLOCKED
    assert outcomes(*results) == [rejected(in_use), UNCHANGED, UNCHANGED, rejected(not_blocked)]
    assert stored(app) == before
    assert AuditAction.IMPORT_USERS not in {each.action for each in app.database.audit_entries}


async def test_nothing_is_changed_without_the_audit_entry_or_after_a_promotion(
    app: AppHarness,
) -> None:
    await import_user(app, id=an_id(7))
    before = stored(app)
    app.faults.fail_on("audit_log.add")
    with pytest.raises(AuditFailed):
        await import_user(app, id=an_id(7), external_id=EXTERNAL_ID)
    assert stored(app) == before

    app.faults.reset()
    await app.identities.operator_actions.change_role(an_id(7), Role.ADMINISTRATOR)
    result = await import_user(app, id=an_id(7), external_id=EXTERNAL_ID)
    blocked = await import_user(app, id=an_id(7), is_blocked=True)
    assert outcomes(result, blocked) == [
        rejected(ImportProblem.PHONE_IN_USE),
        rejected(ImportProblem.NOT_BLOCKED),
    ]


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"id": an_id(7)}, ImportProblem.ID_IN_USE),
        ({"id": an_id(8), "external_id": EXTERNAL_ID}, ImportProblem.EXTERNAL_ID_IN_USE),
    ],
    ids=["an id", "an external id"],
)
async def test_of_two_imports_with_one_id_at_once_one_is_rejected(
    app: AppHarness, other: dict[str, Any], problem: ImportProblem
) -> None:
    results = []

    async def import_other() -> None:
        results.append(await import_user(app, number=2, **other))

    app.faults.run_before("identities.add", import_other)
    results.append(await import_user(app, id=an_id(7), external_id=other.get("external_id")))

    assert outcomes(*results) == [CREATED, rejected(problem)]
    signed_in = (await app.log_in()).identity
    assert (signed_in.phone, signed_in.external_id) == (a_phone(), None)
    assert signed_in.id != app.database.phone_verifications[a_phone(2)].value.identity_id


async def test_a_deleted_account_is_not_brought_back(app: AppHarness) -> None:
    await import_user(app, external_id=EXTERNAL_ID)
    await app.identities.delete_user(await app.log_in())

    results = [
        await import_user(app, external_id=EXTERNAL_ID),
        await import_user(app, external_id=ExternalId("another one")),
    ]

    assert outcomes(*results) == [rejected(ImportProblem.USER_DELETED), CREATED]


async def test_a_block_during_the_import_stays(app: AppHarness) -> None:
    async def block() -> None:
        await app.identities.operator_actions.block(a_phone())

    app.faults.run_before("identities.add", block)
    result = await import_user(app, id=an_id(7), external_id=EXTERNAL_ID)

    assert outcomes(result) == [rejected(ImportProblem.PHONE_BLOCKED)]
    assert stored(app)[0].is_blocked


async def test_a_dry_run_says_the_same_and_writes_nothing() -> None:
    otps = FixedCodes((FixedCode(a_phone(8), OtpCode("123456")),))
    app = AppHarness(policy=make_policy(fixed_codes=otps))
    await import_user(app, id=an_id(7), username="Rahul Sharma", external_id=EXTERNAL_ID)
    await app.identities.operator_actions.block(a_phone(2))
    await app.log_in(a_phone(3))
    await app.identities.operator_actions.change_role(an_id(7), Role.ADMINISTRATOR)
    cases: list[dict[str, Any]] = [
        {"id": an_id(7)},
        {"id": an_id(7), "number": 4},
        {"number": 2},
        {"number": 3, "external_id": ExternalId("another")},
        {"number": 3},
        {"number": 4, "external_id": EXTERNAL_ID},
        {"number": 5, "username": "rahul sharma"},
        {"number": 7, "username": "RahuI Sharma"},
        {"number": 6, "username": "Admin", "created_at": YEARS_AGO},
        {"number": 8},
    ]
    app.faults.reset()

    tried = [await import_user(app, dry_run=True, **case) for case in cases]

    assert not any(call.endswith((".add", ".replace")) for call in app.faults.calls)
    done = [await import_user(app, **case) for case in cases]
    assert outcomes(*tried) == outcomes(*done)
    assert [result.problem for result in done] == [
        None,
        ImportProblem.ID_IN_USE,
        ImportProblem.PHONE_BLOCKED,
        ImportProblem.PHONE_IN_USE,
        None,
        ImportProblem.EXTERNAL_ID_IN_USE,
        ImportProblem.USERNAME_IN_USE,
        ImportProblem.USERNAME_IN_USE,
        ImportProblem.USERNAME_REFUSED,
        ImportProblem.FIXED_CODE,
    ]


# Users who are blocked there


def only_identity(app: AppHarness) -> Identity:
    [stored] = app.database.identities.values()
    return stored.value


async def can_sign_in(app: AppHarness) -> bool:
    """Return whether a correct code signs in."""
    app.advance(hours=1)
    try:
        await app.log_in()
    except AccountBlocked:
        return False
    return True


async def test_a_blocked_user_is_imported_and_only_an_operator_unblocks(app: AppHarness) -> None:
    rahul: dict[str, Any] = {"id": an_id(7), "username": "Rahul", "is_blocked": True}
    tried = await import_user(app, dry_run=True, **rahul)
    assert not app.database.audit_entries

    result = await import_user(app, **rahul)

    imported = only_identity(app)
    assert (tried.outcome, tried.is_blocked) == (result.outcome, result.is_blocked)
    assert (result.outcome, result.is_blocked) == (ImportOutcome.CREATED, True)
    assert (imported.is_blocked, imported.events.unsent) == (True, ())
    [entry] = app.database.audit_entries
    assert (entry.action, entry.reason) == (AuditAction.BLOCK, IMPORT_RUN.reason)
    assert app.events.types.count(PhoneBlockedByOperator) == 1
    result = await import_user(app, **{**rahul, "is_blocked": False})
    assert result.outcome is ImportOutcome.UNCHANGED
    assert not await can_sign_in(app)

    await app.identities.operator_actions.unblock(a_phone())
    result = await import_user(app, **rahul)
    assert (result.outcome, result.is_blocked) == (ImportOutcome.UNCHANGED, False)
    assert await can_sign_in(app)


async def test_nobody_signs_in_between_the_import_and_the_block(app: AppHarness) -> None:
    async def sign_in() -> None:
        assert not await can_sign_in(app)

    app.faults.run_before("identities.add", sign_in)
    await import_user(app, is_blocked=True)
    assert only_identity(app).sessions == ()
