"""Users of other systems are imported once, whatever interrupts it, and blocked as there."""

from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest

from application.features.imports.feature import ImportsFeature
from application.features.imports.lines import ImportOutcome, ImportProblem, ImportResult
from application.features.imports.user_lines import ImportedUser
from application.identities.events import PhoneBlockedByOperator
from application.ports.errors import StorageUnavailable
from domain.administration.audit import AuditAction
from domain.errors import AccountBlocked, AuditFailed
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.otp.challenge import OtpCode
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.app_harness import AppHarness, make_policy
from tests.support.at_each_operation import Act, Fault, at_each_operation
from tests.support.builders import NOW, a_phone, an_id
from tests.support.imports.builders import IMPORT_RUN

YEARS_AGO = NOW - timedelta(days=1000)
EXTERNAL_ID = ExternalId("auth0|5f7c8ec7c33c6c004bbafe82")
FIELDS: Final[dict[str, Any]] = {"username": "Rahul Sharma", "created_at": YEARS_AGO}


async def import_user(
    app: AppHarness, *, dry_run: bool = False, number: int = 1, **fields: Any
) -> ImportResult:
    user = ImportedUser(phone=a_phone(number), **fields)
    return await app.use_cases.of(ImportsFeature).import_user(user, None if dry_run else IMPORT_RUN)


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
    otps = TestOtps((TestOtp(a_phone(8), OtpCode("123456")),))
    app = AppHarness(policy=make_policy(test_otps=otps))
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
        ImportProblem.TEST_PHONE,
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
