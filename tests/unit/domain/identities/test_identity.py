"""An identity: its user, role and passkeys, its sessions, and what blocking and deletion change."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from domain.access import visible_phone
from domain.errors import ConflictingValue
from domain.features.passkeys import PasskeyExists, check_room
from domain.identities.device_token import RecognizedDevice
from domain.identities.external_id import ExternalId
from domain.identities.identity import Consent, Identity, UsedChallenge
from domain.identities.imported import Imported
from domain.identities.passkey import Passkey
from domain.identities.phone_change import PhoneChange
from domain.identities.role import Invitation, Role, Staff
from domain.identities.session import MAX_SESSIONS, SessionKind, SessionLimits, TokenRepeat
from domain.identities.user_events import EventType, UserEvents
from tests.support.builders import NOW, a_phone, a_session, a_user, an_identity

LATER = NOW + timedelta(days=1)
SECOND = timedelta(seconds=1)
YEAR = timedelta(days=365)
INVITATION = Invitation("hash", LATER, made_by="operating_system_user:alice")
A_PASSKEY = Passkey(
    credential_id=b"id",
    public_key=b"key",
    sign_count=0,
    name="Laptop",
    created_at=NOW,
    is_staff=True,
)
CHANGE = PhoneChange(new_phone=a_phone(2), old_phone=a_phone(), started_at=NOW, attempted_at=NOW)


# Sessions


def test_a_blocked_or_deleted_identity_has_no_active_session_and_no_recognized_device() -> None:
    device = RecognizedDevice("phone", "one", LATER)
    identity = an_identity(sessions=(a_session(id="one"),), devices=(device,))
    for changed in (replace(identity, blocked_at=NOW), replace(identity, deleted_at=NOW)):
        assert changed.active_sessions(NOW) == ()
        assert changed.find_session("one", NOW) is None
        assert changed.find_device("phone", NOW) is None


def test_above_twenty_sessions_the_oldest_is_revoked() -> None:
    identity = an_identity()
    for number in range(22):
        identity = identity.add_session(a_session(id=str(number), created_at=NOW + SECOND * number))
    assert [session.id for session in identity.sessions] == [str(n) for n in range(2, 22)]


def test_expired_sessions_are_removed_before_the_oldest_is_revoked() -> None:
    identity = an_identity().add_session(a_session(id="oldest"))
    for number in range(MAX_SESSIONS - 1):
        identity = identity.add_session(a_session(id=str(number), expires_at=NOW + SECOND))
    identity = identity.add_session(a_session(id="new", created_at=NOW + SECOND))
    assert [session.id for session in identity.sessions] == ["oldest", "new"]


def test_a_changed_session_keeps_its_position_and_a_revoked_one_does_not_come_back() -> None:
    one, two, three = (a_session(id=session_id) for session_id in ("one", "two", "three"))
    identity = an_identity(sessions=(one, two, three))
    changed = two.record_use(LATER, SessionLimits())
    assert identity.replace_session(changed).sessions == (one, changed, three)
    assert identity.replace_session(a_session(id="four")) == identity


# Blocking


def test_blocking_revokes_all_sessions_for_good_and_changes_nothing_else() -> None:
    identity = an_identity(user=a_user(), staff=Staff(Role.ADMINISTRATOR))
    blocked = replace(identity, sessions=(a_session(id="one"), a_session(id="two"))).block(NOW)
    assert blocked == replace(
        identity,
        blocked_at=NOW,
        events=UserEvents().record(EventType.USER_BLOCKED, NOW),
    )
    assert blocked.is_blocked
    assert not blocked.is_deleted
    unblocked = replace(blocked.unblock(NOW), events=UserEvents())
    assert unblocked == identity.unblock(NOW) == identity
    added = blocked.add_session(a_session(id="one"))
    assert added.find_session("one", NOW) is None
    assert added.unblock(NOW).find_session("one", NOW) is not None


# Deletion


def test_nothing_but_what_is_kept_remains_of_a_deleted_identity() -> None:
    used = UsedChallenge("used", NOW + SECOND, "session", "request", "hash of the client IP")
    kept: dict[str, Any] = {
        "id": an_identity().id,
        "phone": a_phone(),
        "created_at": NOW,
        "user": a_user(),
        "used_challenges": (used,),
        "phone_change": CHANGE,
        "events": UserEvents().record(EventType.USER_CREATED, NOW),
    }
    forgotten: dict[str, Any] = {
        "staff": Staff(Role.ADMINISTRATOR, needs_passkey=True, invitation=INVITATION),
        "sessions": (a_session(),),
        "devices": (RecognizedDevice("phone", "session", LATER),),
        "blocked_at": NOW,
        "detached_at": NOW,
        "last_used_at": NOW,
        "has_signed_in": True,
        "is_verified": False,
        "consent": Consent("You agree.", "en", NOW),
        "external_id": ExternalId("7"),
        "claims": "{}",
        "imported": Imported(NOW, was_blocked=True),
        "token_repeats": (TokenRepeat("session", NOW),),
        "passkeys": (A_PASSKEY,),
    }
    names = {field.name for field in fields(Identity)}
    assert names == {*kept, *forgotten, "deleted_at", "purged_at"}
    identity = Identity(**kept, **forgotten)
    empty = Identity(identity.id, None, NOW)
    assert [name for name in forgotten if forgotten[name] == getattr(empty, name)] == []

    deleted = identity.delete(LATER)
    events = kept["events"].record(EventType.USER_DELETED, LATER)
    expired = {"used_challenges": (), "events": events}
    assert deleted == Identity(**{**kept, **expired}, deleted_at=LATER)
    assert deleted.is_deleted
    recent = replace(identity, used_challenges=(replace(used, expires_at=LATER + SECOND),))
    assert recent.delete(LATER).used_challenges == (UsedChallenge("used", LATER + SECOND),)

    purged = deleted.purge(LATER)
    assert purged == replace(deleted, phone=None, phone_change=None, purged_at=LATER)
    assert purged.release_username() == replace(purged, user=None)


def test_a_challenge_that_opened_a_session_is_kept_until_it_expires() -> None:
    used = UsedChallenge("challenge", NOW + SECOND)
    identity = an_identity().add_session(a_session(id="one"), used)
    ended = identity.revoke_all_sessions().promote(Role.ADMINISTRATOR).block(NOW).delete(NOW)
    assert ended.has_used("challenge")
    assert not ended.has_used("another")
    assert identity.add_session(a_session(id="two")).has_used("challenge")
    later = identity.add_session(a_session(id="two", created_at=NOW + SECOND))
    assert not later.has_used("challenge")


# Unused identities


def test_an_identity_is_unused_since_its_latest_login_or_use_of_a_session() -> None:
    used_at = NOW + timedelta(days=10)
    login = a_session(id="one", created_at=used_at)
    used = a_session(last_used_at=used_at)
    for identity, last_used_at in (
        (an_identity(), NOW),
        (an_identity().add_session(login).revoke_session("one"), used_at),
        (an_identity(sessions=(a_session(),)).replace_session(used).revoke_all_sessions(), used_at),
        # The session was saved without the last use of its identity.
        (an_identity(sessions=(used,)), used_at),
    ):
        assert not identity.is_unused(last_used_at + YEAR - SECOND, YEAR)
        assert identity.is_unused(last_used_at + YEAR, YEAR)


def test_a_detached_identity_keeps_its_phone_and_nothing_else_that_others_could_use() -> None:
    identity = an_identity(user=a_user()).promote(Role.ADMINISTRATOR).add_session(a_session())
    detached = identity.detach(NOW)
    assert detached.is_closed
    assert (detached.user, detached.sessions, detached.devices) == (None, (), ())
    assert detached.staff.role is Role.MEMBER
    assert detached.phone == identity.phone


def test_a_detached_identity_is_closed_until_an_operator_gives_it_a_phone() -> None:
    detached, later = an_identity().detach(NOW), NOW + timedelta(days=400)
    assert replace(detached, phone_change=CHANGE).is_closed  # of its phone from before
    change = replace(CHANGE, old_phone=None, is_by_operator=True)
    begun = detached.start_phone_change(change)
    assert (begun.is_closed, begun.all_phones) == (False, frozenset({a_phone(2)}))
    assert replace(begun, phone_change=None).is_closed
    assert begun.delete(later).is_closed
    changed = begun.replace_phone(change, later)
    assert (changed.phone, changed.phone_change, changed.is_closed) == (a_phone(2), None, False)
    assert not changed.is_unused(later + SECOND, YEAR)


# Roles and changes of the phone


def an_administrator() -> Identity:
    """Return somebody with a passkey and a session."""
    member = an_identity(user=a_user())
    return member.promote(Role.ADMINISTRATOR).add_passkey(A_PASSKEY).add_session(a_session())


def test_a_promotion_ends_all_sessions_and_keeps_passkeys() -> None:
    administrator = an_administrator()
    support = administrator.promote(Role.SUPPORT)
    staff = replace(administrator.staff, role=Role.SUPPORT)
    assert support == replace(administrator, staff=staff, sessions=())
    assert support.passkeys == (A_PASSKEY,)
    assert support.promote(Role.SUPPORT) is support


def test_a_member_has_nothing_that_only_staff_has_and_the_rest_stays() -> None:
    administrator = an_administrator()
    member = replace(administrator, staff=Staff(), passkeys=())
    assert administrator.demote() == member
    assert member.demote() is member


def test_a_role_and_its_passkeys_end_with_a_change_by_an_operator() -> None:
    administrator = an_administrator()
    by_operator = replace(CHANGE, is_by_operator=True)
    for change, staff in ((CHANGE, administrator.staff), (by_operator, Staff())):
        begun = administrator.start_phone_change(change)
        changed = begun.replace_phone(change, NOW)
        assert (changed.phone, changed.sessions, changed.staff) == (a_phone(2), (), staff)
        assert changed.replace_phone(change, NOW) is changed
    assert administrator.replace_phone(CHANGE, NOW) is administrator


def test_an_identity_without_a_phone_has_no_visible_number() -> None:
    purged = an_identity().purge(NOW)
    assert visible_phone(purged, purged) is None


def test_the_first_import_and_a_block_by_one_are_kept() -> None:
    imported = Imported().mark(NOW)
    assert imported == Imported(NOW)
    assert imported.mark_blocked().mark(NOW + timedelta(days=1)) == Imported(NOW, was_blocked=True)


def a_passkey(name: str) -> Passkey:
    return Passkey(
        credential_id=name.encode(), public_key=b"key", sign_count=1, name=name, created_at=NOW
    )


def test_a_session_of_the_console_ends_with_a_passkey_or_a_role_and_others_stay() -> None:
    of_app, of_console = a_session(id="app"), a_session(id="console", kind=SessionKind.CONSOLE)
    invited = Staff(Role.SUPPORT, needs_passkey=True, invitation=INVITATION)
    identity = an_identity(
        staff=invited, passkeys=(A_PASSKEY, a_passkey("phone")), sessions=(of_app, of_console)
    )
    for changed in (
        identity.add_passkey(replace(a_passkey("key"), is_staff=True)),
        identity.remove_passkeys(A_PASSKEY.id),
        identity.demote(),
    ):
        assert changed.sessions == (of_app,)
        assert changed.staff.invitation is None
    for changed in (
        identity.add_passkey(a_passkey("tablet")),
        identity.remove_passkeys(a_passkey("phone").id),
    ):
        assert (changed.sessions, changed.staff) == (identity.sessions, invited)
    assert identity.demote().passkeys == (a_passkey("phone"),)
    for changed in (identity.revoke_all_sessions(), identity.revoke_other_sessions("app")):
        assert changed.staff == Staff(Role.SUPPORT, needs_passkey=True)


def test_each_kind_of_session_ends_the_oldest_of_its_own_only() -> None:
    identity = an_identity()
    for number in range(21):
        identity = identity.add_session(a_session(id=f"app {number}"))
        identity = identity.add_session(a_session(id=f"{number}", kind=SessionKind.CONSOLE))
    of_app = [each.id for each in identity.sessions if not each.is_console]
    of_console = [each.id for each in identity.sessions if each.is_console]
    assert of_app == [f"app {number}" for number in range(1, 21)]
    assert of_console == ["16", "17", "18", "19", "20"]


def test_the_need_of_a_passkey_ends_with_the_role_or_by_a_command() -> None:
    identity = an_identity(staff=Staff(Role.SUPPORT))
    added = identity.add_passkey(A_PASSKEY)
    for changed in (added, added.remove_passkeys(A_PASSKEY.id), added.promote(Role.AUDITOR)):
        assert changed.staff.needs_passkey
    for changed in (identity.add_passkey(a_passkey("of the app")), added.allow_codes()):
        assert not changed.staff.needs_passkey
    assert not added.demote().promote(Role.SUPPORT).staff.needs_passkey


def test_no_two_passkeys_have_the_same_name_or_id() -> None:
    """Otherwise whoever removes one of the user removes that for the console too."""
    identity = an_identity(passkeys=(A_PASSKEY,))
    with pytest.raises(ConflictingValue):
        identity.add_passkey(replace(A_PASSKEY, credential_id=b"another", is_staff=False))
    with pytest.raises(PasskeyExists):
        check_room(identity, identity.app_passkeys, replace(A_PASSKEY, name="another"))
