"""Who acted is written before the act, and nothing is done without that."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Final, cast

import pytest

from application.administration.operator import Operator, operating_system_user
from application.ports.administration import AuditFilter, AuditLog
from application.ports.errors import StorageUnavailable
from application.record_act import ActRecorded
from domain.administration.audit import Actor, ActorKind, AuditAction, AuditEntry
from domain.administration.scope import Scope
from domain.errors import (
    ExternalIdInUse,
    InsufficientScope,
    PhoneInUse,
    TooManyResets,
    UsernameInUse,
    UserNotFound,
)
from domain.identities.external_id import parse_external_id
from domain.identities.role import Role
from tests.support.builders import a_phone, an_id
from tests.support.core_harness import CoreHarness
from tests.support.fakes.phone_encryption import FakePhoneEncryption

OPERATOR: Final = operating_system_user("alice")


def recorded_acts(app: CoreHarness) -> list[ActRecorded]:
    return [event for event in app.events.recorded if isinstance(event, ActRecorded)]


async def test_an_act_that_fails_adds_a_second_entry_which_names_the_error(
    app: CoreHarness,
) -> None:
    await app.add_user()
    app.faults.fail_on("identities.replace")
    with pytest.raises(StorageUnavailable):
        await app.administration.act_for_users.sign_out(OPERATOR, a_phone(), "again")

    begun, failed = app.database.audit_entries
    assert failed.at > begun.at
    assert failed == replace(
        begun, id=failed.id, at=failed.at, failed_entry_id=begun.id, error="storage_unavailable"
    )
    # The log has both, without the reason.
    logged = recorded_acts(app)
    assert [(each.entry_id, each.actor_id, each.error) for each in logged] == [
        (begun.id, "alice", None),
        (failed.id, "alice", "storage_unavailable"),
    ]
    assert not hasattr(logged[0], "reason")


async def test_an_act_is_in_the_audit_only_with_a_known_subject_and_valid_input(
    app: CoreHarness,
) -> None:
    other = (await app.log_in(a_phone(3))).identity.id
    acts, user = app.administration.act_for_users, (await app.add_user()).identity.id
    deleted = await app.add_user(a_phone(4), "Asha")
    await app.identities.delete_user(deleted)
    gone = deleted.identity.id
    principal = await app.add_administrator(a_phone(9))
    await acts.set_external_id(OPERATOR, user, parse_external_id("7"), "ticket")
    for _ in range(2):
        await acts.reset_limits(OPERATOR, user, "ticket")
    app.database.records.tables["audit_entries"].clear()

    async def assert_not_recorded(error: type[Exception], call: Awaitable[object]) -> None:
        with pytest.raises(error):
            await call
        assert app.database.audit_entries == []

    for act in (
        acts.reset_limits, acts.block, acts.unblock, acts.sign_out, acts.detach, acts.delete
    ):  # fmt: skip
        await assert_not_recorded(UserNotFound, act(OPERATOR, gone, "ticket"))
    await assert_not_recorded(UserNotFound, acts.change_role(OPERATOR, gone, Role.MEMBER, "ticket"))
    await assert_not_recorded(TooManyResets, acts.reset_limits(OPERATOR, user, "ticket"))
    for subject, error in ((gone, UserNotFound), (other, ExternalIdInUse)):
        await assert_not_recorded(
            error, acts.set_external_id(OPERATOR, subject, parse_external_id("7"), "ticket")
        )
    await assert_not_recorded(PhoneInUse, app.create_user(principal, "Priya", a_phone()))
    for held in ("Rahul Sharma", "Asha"):
        await assert_not_recorded(UsernameInUse, app.create_user(principal, held, a_phone(5)))
    await app.create_user(principal, "Rahul Sharma", a_phone())  # who exists already
    assert app.database.audit_entries == []
    await app.create_user(principal, "Priya", a_phone(6))
    [entry] = app.database.audit_entries
    assert (entry.action, entry.actor.id) == (AuditAction.CREATE_USER, principal.identity.id)
    assert entry.subject == FakePhoneEncryption().hash_phone(a_phone(6))


async def test_an_act_goes_on_after_a_write_of_its_entry_that_was_repeated(
    app: CoreHarness,
) -> None:
    class RepeatedWrites:
        """The first write is done, times out and is repeated."""

        def __init__(self) -> None:
            self.entries: list[AuditEntry] = []

        async def add(self, entry: AuditEntry) -> bool:
            self.entries.append(entry)
            return len(self.entries) > 1

    log = RepeatedWrites()
    record_act = replace(app.use_cases.record_act, audit_log=cast(AuditLog, log))

    async with record_act(OPERATOR.actor, AuditAction.BLOCK, an_id(1)):
        pass

    assert len({entry.id for entry in log.entries}) == 2
    assert [event.entry_id for event in recorded_acts(app)] == [log.entries[1].id]


async def test_a_phone_is_named_by_its_hash_and_listed_with_its_later_account(
    app: CoreHarness,
) -> None:
    await app.administration.act_for_users.reset_limits(OPERATOR, a_phone(), "ticket")
    [entry] = app.database.audit_entries
    assert entry.subject == FakePhoneEncryption().hash_phone(a_phone())
    assert a_phone().e164[1:] not in repr(entry)

    user_id = (await app.add_user()).identity.id
    await app.administration.act_for_users.block(OPERATOR, user_id, "ticket")
    page = await app.administration.list_audit(OPERATOR, AuditFilter(subject=user_id), None, 10)
    actions = [entry.action for entry in page.entries]
    assert actions == [AuditAction.BLOCK, AuditAction.RESET_LIMITS]


async def test_a_token_lists_the_audit_only_with_its_scope(app: CoreHarness) -> None:
    token = Operator(Actor(ActorKind.SERVICE_TOKEN, "a"), frozenset({Scope.READ_USERS}))
    with pytest.raises(InsufficientScope):
        await app.administration.list_audit(token, AuditFilter(), None, 10)
