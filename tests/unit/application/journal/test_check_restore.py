"""What a database lacks of the journal, and what is repeated."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from application.administration.caller import operating_system_user
from application.journal.check_restore import (
    CheckRestoreQuery,
    Finding,
    State,
    find_decisive,
)
from application.journal.feature import JournalFeature
from domain.administration.audit import AuditAction
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.identities.role import Role
from domain.instance import Instance
from domain.journal.entry import JournalEntry
from domain.phone import PhoneNumber
from tests.support.app_harness import AppHarness
from tests.support.builders import NOW, a_phone, an_id
from tests.support.media.stored import media_repositories

KEY = "0badc0de"
CALLER = operating_system_user("jane")
HOUR = timedelta(hours=1)


class Restored:
    """A database that was restored, and its journal."""

    def __init__(self, app: AppHarness) -> None:
        self.app = app
        self.repositories = app.database.repositories()
        self.check = app.use_cases.of(JournalFeature).check_restore
        self.entries: list[JournalEntry] = []
        self.newest_at: datetime | None = None
        self.keys = {KEY: app.database.encryption.blind_index}

    def write(self, action: AuditAction, phone: PhoneNumber | None = None, **details: Any) -> None:
        index = self.keys[KEY](phone) if phone else None
        details = {"phone_index": index, "index_key": KEY, "at": self.app.clock.now(), **details}
        self.entries.append(JournalEntry(action=action, **details))

    @property
    def query(self) -> CheckRestoreQuery:
        return CheckRestoreQuery(
            entries=self.entries,
            indexes=self.keys,
            index_key=KEY,
            now=self.app.clock.now(),
            newest_at=self.newest_at,
        )

    async def states(self) -> list[tuple[str, State]]:
        return [(each.entry.action, each.state) for each in await self.check(self.query)]

    async def repeat(self) -> list[tuple[str, State]]:
        """Repeat what is lacking, and return the states then; a second time changes nothing."""
        found = await self.check(self.query)
        repeated = [await self._repeat(each) for each in found]
        audited = len(self.app.database.audit_entries)
        assert [await self._repeat(each) for each in repeated] == repeated
        assert await self.check(self.query) == repeated
        assert len(self.app.database.audit_entries) == audited
        return [(each.entry.action, each.state) for each in repeated]

    async def _repeat(self, finding: Finding) -> Finding:
        return await self.check.repeat(finding, self.query, CALLER, "a restore")

    async def load(self, identity_id: str) -> Identity:
        loaded = await self.repositories.identities.load(identity_id)
        assert loaded is not None
        return loaded.value


@pytest.fixture
def restored(app: AppHarness) -> Restored:
    return Restored(app)


async def test_a_deletion_decides_alone_and_is_repeated_once(restored: Restored) -> None:
    user = (await restored.app.add_user()).identity
    restored.write(AuditAction.PROMOTE, user.phone, id=user.id, role=Role.ADMINISTRATOR)
    restored.write(AuditAction.SIGN_OUT, user.phone, id=user.id)
    restored.write(AuditAction.DELETE, user.phone, id=user.id)
    restored.write(AuditAction.DELETE, id=an_id(77))  # it is not in the backup

    assert await restored.states() == [
        ("delete", State.LACKING),
        ("delete", State.IN_EFFECT),
    ]
    assert await restored.repeat() == [("delete", State.IN_EFFECT)] * 2
    assert (await restored.load(user.id)).is_deleted
    (entry,) = restored.app.database.audit_entries
    assert (entry.action, entry.subject) == (AuditAction.DELETE, user.id)
    assert (entry.actor.id, entry.reason) == ("jane", "restore-check: a restore")


async def test_sessions_from_before_end_and_later_ones_stay(restored: Restored) -> None:
    app = restored.app
    user = (await app.add_user()).identity
    restored.write(AuditAction.SIGN_OUT, user.phone, id=user.id, at=app.clock.now() - HOUR)
    assert await restored.states() == [("sign_out", State.IN_EFFECT)]

    kept = user.sessions[0].id
    app.advance(1)
    restored.write(AuditAction.SIGN_OUT, user.phone, id=user.id, session_id=kept)
    assert await restored.states() == [("sign_out", State.IN_EFFECT)]

    app.advance(1)
    restored.write(AuditAction.SIGN_OUT, user.phone, id=user.id)
    assert await restored.repeat() == [("sign_out", State.IN_EFFECT)]
    assert (await restored.load(user.id)).sessions == ()


async def test_a_passkey_that_is_back_is_removed_by_hand_or_ends_with_the_role(
    restored: Restored,
) -> None:
    user = (await restored.app.add_administrator()).identity
    passkey = Passkey(
        credential_id=b"id", public_key=b"key", sign_count=0, name="laptop", created_at=NOW
    )
    identities = restored.repositories.identities
    loaded = await identities.load(user.id)
    assert loaded is not None
    assert await identities.replace(loaded.value.add_passkey(passkey), loaded.version)
    restored.write(AuditAction.REMOVE_PASSKEY, id=user.id, passkey_id=passkey.id)
    restored.write(AuditAction.REMOVE_PASSKEY, id=user.id, passkey_id="another")
    assert await restored.repeat() == [
        ("remove_passkey", State.BY_HAND),
        ("remove_passkey", State.IN_EFFECT),
    ]

    restored.entries.clear()
    restored.write(AuditAction.DEMOTE, user.phone, id=user.id, role=Role.MEMBER)
    restored.write(AuditAction.REMOVE_PASSKEY, id=user.id, passkey_id=passkey.id)
    assert await restored.repeat() == [
        ("demote", State.IN_EFFECT),
        ("remove_passkey", State.IN_EFFECT),
    ]


async def test_a_phone_is_blocked_with_its_account_and_by_its_index(restored: Restored) -> None:
    user = (await restored.app.add_user()).identity
    unknown = a_phone(8)
    restored.write(AuditAction.UNBLOCK, user.phone, id=user.id, at=NOW)
    restored.write(AuditAction.BLOCK, user.phone, id=user.id)
    restored.write(AuditAction.BLOCK, unknown, id=an_id(88))

    assert await restored.repeat() == [("block", State.IN_EFFECT)] * 2
    assert (await restored.load(user.id)).is_blocked
    verification = (await restored.repositories.phone_verifications.load(unknown)).value
    assert verification.blocked_at is not None


@pytest.mark.parametrize("is_later", [True, False])
async def test_what_gives_something_is_repeated_only_if_it_is_later(
    restored: Restored, is_later: bool
) -> None:
    app = restored.app
    user = (await app.add_user()).identity
    await app.identities.operator_actions.block(a_phone(5))
    restored.newest_at = app.clock.now()
    if is_later:
        app.advance(60)
    restored.write(AuditAction.PROMOTE, user.phone, id=user.id, role=Role.ADMINISTRATOR)
    restored.write(AuditAction.UNBLOCK, a_phone(5))

    promoted, unblocked = await restored.repeat()

    state = State.IN_EFFECT if is_later else State.BY_HAND
    assert promoted == ("promote", state)
    assert (await restored.load(user.id)).is_administrator is is_later
    # The number of a phone without an account is not known.
    assert unblocked == ("unblock", State.BY_HAND)


async def test_an_account_with_its_former_number_is_blocked_until_the_operator_acts(
    restored: Restored,
) -> None:
    app = restored.app
    user = (await app.add_user()).identity
    new_phone = a_phone(9)
    former = restored.keys[KEY](a_phone())
    restored.write(AuditAction.CHANGE_PHONE, new_phone, id=user.id, former_phone_index=former)

    assert ("change_phone", State.BY_HAND) in await restored.states()
    assert ("change_phone", State.BY_HAND) in await restored.repeat()
    held = await restored.load(user.id)
    assert (held.is_blocked, held.sessions) == (True, ())

    await app.move_phone(user.id, new_phone, can_be_undone=False)
    await app.identities.operator_actions.unblock(new_phone)
    assert {state for _, state in await restored.states()} == {State.IN_EFFECT}


async def test_numbers_of_another_index_key_are_not_compared_without_it(
    restored: Restored,
) -> None:
    user = (await restored.app.add_user()).identity
    key = {"index_key": "5eedc0de"}
    restored.write(AuditAction.CHANGE_PHONE, a_phone(9), id=user.id, **key)
    restored.write(AuditAction.BLOCK, a_phone(), id=user.id, **key)

    found = {each.entry.action: each for each in await restored.check(restored.query)}
    for action in (AuditAction.CHANGE_PHONE, AuditAction.BLOCK):
        assert found[action].state is State.BY_HAND
        assert "5eedc0de" in found[action].advice
    await restored.repeat()
    assert not (await restored.load(user.id)).is_blocked

    restored.keys["5eedc0de"] = restored.keys[KEY]
    await restored.repeat()
    assert (await restored.load(user.id)).is_blocked


async def test_items_are_hidden_and_deleted_again(restored: Restored) -> None:
    app = restored.app
    user = await app.add_user()
    hidden, deleted, gone = [(await app.upload_image(user)).item.id for _ in range(3)]
    await app.media.delete_item(user, gone)
    for action, item_id in (
        (AuditAction.HIDE_ITEM, hidden),
        (AuditAction.DELETE_ITEM, deleted),
        (AuditAction.HIDE_ITEM, gone),
    ):
        restored.write(action, id=user.identity.id, item_id=item_id)

    assert [state for _, state in await restored.states()] == [
        *(State.LACKING, State.LACKING, State.IN_EFFECT)
    ]
    assert {state for _, state in await restored.repeat()} == {State.IN_EFFECT}
    item = await media_repositories(app.database).items.load(hidden)
    assert item is not None
    assert item.value.is_hidden


async def test_what_fails_is_left_with_its_reason(restored: Restored) -> None:
    # Nobody has proved to own this phone.
    unverified = Identity(an_id(5), a_phone(5), NOW, is_verified=False)
    await restored.repositories.identities.add(unverified)
    restored.newest_at = NOW - HOUR
    restored.write(AuditAction.PROMOTE, a_phone(5), id=an_id(5), role=Role.ADMINISTRATOR)

    (finding,) = await restored.check(restored.query)
    repeated = await restored.check.repeat(finding, restored.query, CALLER, "a restore")

    assert repeated.state is State.BY_HAND
    assert "could not be repeated: This phone joined by a call" in repeated.advice


async def test_the_time_of_the_backup_is_that_of_the_last_instance_or_audit_entry(
    restored: Restored,
) -> None:
    app, find = restored.app, restored.check.find_newest_time
    assert await find(app.clock.now()) is None
    user = (await app.add_user()).identity
    await app.administration.act_for_users.sign_out(CALLER, user.id, "before the backup")
    audited_at = app.clock.now()
    app.advance(60)
    await app.administration.act_for_users.sign_out(CALLER, user.id, "restore-check: ours")
    assert await find(app.clock.now()) == audited_at

    renewed_at = audited_at + timedelta(seconds=10)
    await restored.repositories.instances.add(Instance(an_id(1), "0.1", NOW, renewed_at))
    assert await find(app.clock.now()) == renewed_at
    # It may be the service that runs on the restored database.
    assert await find(renewed_at + timedelta(seconds=5)) is None


def test_the_last_act_of_each_kind_decides_in_the_order_of_time() -> None:
    def entry(minute: int, action: AuditAction, **details: Any) -> JournalEntry:
        at = NOW + timedelta(minutes=minute)
        return JournalEntry(at=at, action=action, id=an_id(1), **details)

    moved = entry(4, AuditAction.CHANGE_PHONE, phone_index="b", index_key=KEY)
    demoted = entry(3, AuditAction.DEMOTE, role=Role.MEMBER)
    blocked = entry(1, AuditAction.BLOCK, phone_index="a", index_key=KEY)
    promoted = entry(2, AuditAction.PROMOTE, role=Role.ADMINISTRATOR)
    entries: Sequence[JournalEntry] = (moved, demoted, blocked, promoted)

    decisive = find_decisive(entries)

    assert decisive[:3] == [blocked, demoted, moved]
    assert decisive[3] == replace(moved, action=AuditAction.SIGN_OUT)
    assert len(decisive) == 4
