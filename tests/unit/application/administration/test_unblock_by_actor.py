"""End the blocks of a person or a service token that misused the right to block."""

import pytest

from application.administration.find_user import UserQuery
from application.administration.unblock_by_actor import BlockState, FoundBlock
from application.ports.errors import StorageUnavailable
from domain.administration.audit import AuditAction
from domain.identities.role import Role
from tests.support.acts import BY_COMMAND, IN_API, REASON, a_token
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness

THIEF = a_token(Role.SUPPORT)


async def test_what_only_this_actor_has_blocked_is_unblocked(app: CoreHarness) -> None:
    act, unblock_all = app.administration.act_for_users, app.administration.unblock_by_actor
    users = [(await app.log_in(a_phone(number))).identity.id for number in range(6)]
    thief = THIEF.actor
    await act.block(THIEF, users[0], REASON)  # before
    app.advance(minutes=1)
    since = app.clock.now()
    await act.block(IN_API, users[1], REASON)
    queries: list[UserQuery] = [*users[1:5], users[3], a_phone(99)]
    for user in queries:
        app.advance(minutes=1)
        await act.block(THIEF, user, REASON)
    app.advance(minutes=1)
    await act.block(IN_API, users[2], REASON)
    await act.block(IN_API, users[5], REASON)
    await act.unblock(IN_API, users[4], REASON)
    entries = len(app.database.audit_entries)

    expected = {
        users[1]: BlockState.BY_OTHERS,
        users[2]: BlockState.BY_OTHERS,
        users[3]: BlockState.UNBLOCKED,
        app.keyed_hashes.hash_phone(a_phone(99)): BlockState.WITHOUT_ACCOUNT,
    }

    def blocked() -> list[str]:
        stored = app.database.identities
        return [user for user in users if stored[user].value.is_blocked]

    def states(found: list[FoundBlock]) -> dict[str, BlockState]:
        return {each.entry.subject: each.state for each in found}

    tried = await unblock_all(BY_COMMAND, thief, since, REASON, is_dry_run=True)
    assert states([*tried]) == expected
    assert blocked() == [users[0], users[1], users[2], users[3], users[5]]
    assert len(app.database.audit_entries) == entries

    done = await unblock_all(BY_COMMAND, thief, since, REASON)
    assert done == tried
    assert blocked() == [users[0], users[1], users[2], users[5]]
    [entry] = app.database.audit_entries[entries:]
    assert (entry.action, entry.subject) == (AuditAction.UNBLOCK, users[3])
    again = await unblock_all(BY_COMMAND, thief, since, REASON)
    assert BlockState.UNBLOCKED not in states([*again]).values()


async def test_a_block_that_failed_and_one_of_a_deleted_account_are_no_blocks(
    app: CoreHarness,
) -> None:
    act, unblock_all = app.administration.act_for_users, app.administration.unblock_by_actor
    since = app.clock.now()
    deleted = await app.log_in(a_phone(1))
    await act.block(THIEF, deleted.identity.id, REASON)
    await act.delete(BY_COMMAND, deleted.identity.id, REASON)
    app.faults.fail_on("phone_verifications.save")
    with pytest.raises(StorageUnavailable):
        await act.block(THIEF, a_phone(2), REASON)
    app.faults.reset()
    assert await unblock_all(BY_COMMAND, THIEF.actor, since, REASON) == []
