"""Which acts a change of a record is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.administration.audit import AuditAction
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey
from domain.identities.phone_change import PhoneChange, PhoneChangeStep
from domain.identities.role import Role
from domain.journal.acts import list_identity_acts, list_phone_acts, list_removed_passkeys
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW, a_phone, a_session, a_user, an_identity

MEMBER = an_identity(user=a_user(), sessions=(a_session(),))
BOSS = replace(MEMBER, role=Role.ADMINISTRATOR)
PASSKEY = Passkey(
    credential_id=b"id", public_key=b"key", sign_count=0, name="laptop", created_at=NOW
)
WITH_PASSKEY = BOSS.add_passkey(PASSKEY)


def move(identity: Identity, **options: Any) -> tuple[Identity, Identity]:
    """Return the identity before and after its phone changed."""
    change = PhoneChange(
        new_phone=a_phone(2),
        old_phone=a_phone(),
        started_at=NOW,
        attempted_at=NOW,
        step=PhoneChangeStep.ASSIGN,
        **options,
    )
    begun = replace(identity, phone_change=change)
    return begun, begun.replace_phone(change, NOW)


def detach(identity: Identity) -> tuple[Identity, Identity]:
    """Return the identity before and after its number was disowned, and no other one was free."""
    begun, _ = move(identity, is_undo=True, is_disown=True)
    assert begun.phone_change is not None
    return begun, begun.detach_disowned(begun.phone_change, NOW)


@pytest.mark.parametrize(
    ("former", "changed", "acts"),
    [
        (MEMBER, MEMBER.delete(NOW), ["delete"]),
        (BOSS, BOSS.delete(NOW), ["delete"]),
        (MEMBER.delete(NOW), MEMBER.delete(NOW).purge(NOW), []),
        (MEMBER, MEMBER.revoke_all_sessions(), ["sign_out"]),
        (MEMBER, MEMBER.revoke_other_sessions(MEMBER.sessions[0].id), ["sign_out"]),
        (MEMBER, MEMBER.revoke_session(MEMBER.sessions[0].id), []),
        (MEMBER, MEMBER.promote(Role.ADMINISTRATOR), ["promote"]),
        (BOSS, BOSS.demote(), ["demote"]),
        (BOSS, WITH_PASSKEY, []),
        (WITH_PASSKEY, BOSS.end_console_sessions(), []),
        (MEMBER, MEMBER.block(NOW), []),  # it is one of the phone
        (MEMBER.block(NOW), MEMBER.block(NOW).unblock(NOW), []),
        (MEMBER, MEMBER.detach(NOW), []),
        (MEMBER.detach(NOW), MEMBER.detach(NOW).restore(NOW), ["restore"]),
        (*move(MEMBER), ["change_phone"]),
        (*move(BOSS, is_by_operator=True), ["change_phone", "demote"]),
        (*move(MEMBER, is_undo=True), ["undo_phone_change"]),
        (*move(MEMBER, is_undo=True, is_disown=True), ["disown_phone"]),
        (*detach(MEMBER), ["disown_phone"]),
        (MEMBER, MEMBER.mark_used(NOW + timedelta(days=1)), []),
    ],
)
def test_acts_on_an_identity(former: Identity, changed: Identity, acts: list[str]) -> None:
    assert list_identity_acts(former, changed) == acts


def test_acts_on_a_phone() -> None:
    free = PhoneVerification()
    blocked = free.block(NOW)
    assert list_phone_acts(free, blocked) == [AuditAction.BLOCK]
    assert list_phone_acts(blocked, blocked.block(NOW)) == []
    assert list_phone_acts(blocked, blocked.unblock()) == [AuditAction.UNBLOCK]


def test_passkeys_that_were_removed_are_named_also_those_that_ended_with_the_role() -> None:
    assert list_removed_passkeys(WITH_PASSKEY, BOSS) == [PASSKEY.id]
    assert list_removed_passkeys(BOSS, WITH_PASSKEY) == []
    assert list_removed_passkeys(WITH_PASSKEY, WITH_PASSKEY.demote()) == [PASSKEY.id]
    assert list_removed_passkeys(WITH_PASSKEY, WITH_PASSKEY.delete(NOW)) == []
