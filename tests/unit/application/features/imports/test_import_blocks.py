"""Who is blocked elsewhere is blocked here, and an import unblocks nobody."""

from dataclasses import replace
from typing import Any

import pytest

from application.features.imports.feature import ImportsFeature
from application.features.imports.import_user import (
    ImportedUser,
    ImportOutcome,
    ImportProblem,
    ImportResult,
)
from application.identities.events import PhoneBlockedByOperator
from domain.administration.audit import AuditAction
from domain.identities.external_id import ExternalId
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.user_events import EventType
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, an_id
from tests.support.fakes.destination import FakeDestination
from tests.support.imports.builders import IMPORT_RUN

EXTERNAL_ID = ExternalId("auth0|5f7c8ec7c33c6c004bbafe82")
CREATED, UNCHANGED, COMPLETED, REJECTED = (
    ImportOutcome.CREATED,
    ImportOutcome.UNCHANGED,
    ImportOutcome.COMPLETED,
    ImportOutcome.REJECTED,
)
IDS = pytest.mark.parametrize(
    "ids",
    [{"id": an_id(7)}, {"external_id": EXTERNAL_ID}, {}],
    ids=["an id", "an external id", "a phone only"],
)


@pytest.fixture
def backend() -> FakeDestination:
    return FakeDestination()


@pytest.fixture
def app(backend: FakeDestination) -> AppHarness:
    return AppHarness(destinations={"backend": backend})


async def import_user(
    app: AppHarness, *, is_blocked: bool = True, dry_run: bool = False, **fields: Any
) -> ImportResult:
    user = ImportedUser(phone=a_phone(), username="Rahul", is_blocked=is_blocked, **fields)
    return await app.use_cases.of(ImportsFeature).import_user(user, None if dry_run else IMPORT_RUN)


def only_identity(app: AppHarness) -> Identity:
    [stored] = app.database.identities.values()
    return stored.value


def acts(app: AppHarness) -> list[tuple[AuditAction, str, str]]:
    return [(entry.action, entry.subject, entry.reason) for entry in app.database.audit_entries]


async def log_in(app: AppHarness) -> bool:
    """Return whether a sign-in is possible: nothing is sent to a blocked phone."""
    app.advance(hours=1)
    sent = len(app.messenger.messages)
    await app.request_otp()
    if len(app.messenger.messages) == sent:
        return False
    app.advance(hours=1)
    await app.log_in()
    return True


@IDS
async def test_a_blocked_user_is_imported_and_cannot_sign_in(
    app: AppHarness, ids: dict[str, Any], backend: FakeDestination
) -> None:
    tried = await import_user(app, dry_run=True, **ids)
    assert not app.database.audit_entries

    result = await import_user(app, **ids)

    imported = only_identity(app)
    assert (tried.outcome, tried.is_blocked) == (result.outcome, result.is_blocked)
    assert (result.outcome, result.is_blocked) == (CREATED, True)
    assert imported.is_blocked
    assert imported.username is not None
    assert acts(app) == [(AuditAction.BLOCK, imported.id, IMPORT_RUN.reason)]
    assert app.events.types.count(PhoneBlockedByOperator) == 1
    assert imported.events.unsent == ()
    assert not await log_in(app)

    await app.identities.operator_actions.unblock(a_phone())
    assert await log_in(app)
    assert only_identity(app).id == imported.id


@pytest.mark.parametrize("has_signed_in", [False, True])
async def test_an_account_that_an_earlier_import_made_is_blocked(
    app: AppHarness, has_signed_in: bool
) -> None:
    await import_user(app, is_blocked=False)
    if has_signed_in:
        await app.log_in()
    tried = await import_user(app, dry_run=True)
    result = await import_user(app)
    repeated = await import_user(app)

    blocked = only_identity(app)
    assert (tried.outcome, tried.is_blocked) == (COMPLETED, True)
    assert (result.outcome, result.is_blocked) == (COMPLETED, True)
    assert (repeated.outcome, repeated.is_blocked) == (UNCHANGED, False)
    assert (blocked.is_blocked, blocked.sessions) == (True, ())
    assert [event.type for event in blocked.events.unsent] == [EventType.USER_BLOCKED]
    assert acts(app) == [
        (AuditAction.BLOCK, blocked.id, IMPORT_RUN.reason),
        (AuditAction.IMPORT_USERS, blocked.id, IMPORT_RUN.reason),
    ]


async def test_an_import_never_unblocks_and_blocks_nobody_whom_an_operator_unblocked(
    app: AppHarness,
) -> None:
    await import_user(app, id=an_id(7))
    result = await import_user(app, id=an_id(7), is_blocked=False)
    assert result.outcome is UNCHANGED
    assert not await log_in(app)

    await app.identities.operator_actions.unblock(a_phone())
    result = await import_user(app, id=an_id(7))
    assert (result.outcome, result.is_blocked) == (UNCHANGED, False)
    assert await log_in(app)


@pytest.mark.parametrize("role", [None, Role.MEMBER, Role.ADMINISTRATOR])
async def test_an_account_that_was_made_here_or_has_a_role_is_not_blocked(
    app: AppHarness, role: Role | None
) -> None:
    if role is not Role.MEMBER:
        await import_user(app, is_blocked=False, id=an_id(7))
    identity = (await app.log_in()).identity
    await app.identities.operator_actions.change_role(identity.id, role or Role.ADMINISTRATOR)
    app.database.audit_entries.clear()
    before = only_identity(app)

    for dry_run in (True, False):
        result = await import_user(app, id=identity.id, dry_run=dry_run)
        assert (result.outcome, result.problem) == (REJECTED, ImportProblem.NOT_BLOCKED)
    assert only_identity(app) == before
    assert acts(app) == []


async def test_a_blocked_user_of_a_phone_that_is_blocked_here_is_imported_blocked(
    app: AppHarness,
) -> None:
    await app.identities.operator_actions.block(a_phone())

    rejected = await import_user(app, id=an_id(7), is_blocked=False)
    result = await import_user(app, id=an_id(7))

    assert rejected.problem is ImportProblem.PHONE_BLOCKED
    assert result.outcome is CREATED
    assert only_identity(app).is_blocked


async def test_somebody_who_only_joined_by_a_call_is_blocked(app: AppHarness) -> None:
    identity = (await app.log_in()).identity
    identities = app.database.repositories().identities
    loaded = await identities.load(identity.id)
    assert loaded is not None
    await identities.replace(replace(loaded.value, is_verified=False), loaded.version)

    result = await import_user(app, external_id=EXTERNAL_ID)

    assert (result.outcome, result.is_blocked) == (COMPLETED, True)
    assert only_identity(app).is_blocked


async def test_nobody_signs_in_between_the_import_and_the_block(app: AppHarness) -> None:
    async def sign_in() -> None:
        assert not await log_in(app)

    app.faults.run_before("identities.add", sign_in)
    await import_user(app)
    assert only_identity(app).sessions == ()
