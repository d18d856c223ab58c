"""An identity: its user and role, its sessions, and what blocking and deletion change."""

from dataclasses import replace
from datetime import timedelta

from domain.identities.identity import USERNAME_HOLD_PERIOD, Consent, Role, UsedChallenge
from domain.identities.session import MAX_SESSIONS, SessionLimits
from domain.identities.username import parse_username
from tests.support.builders import (
    NOW,
    a_deleted_identity,
    a_phone,
    a_session,
    a_user,
    an_identity,
)

LATER = NOW + timedelta(days=1)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)


def test_a_new_identity_is_a_member_without_a_username() -> None:
    identity = an_identity()
    assert not identity.is_deleted
    assert not identity.is_blocked
    assert not identity.is_administrator
    assert identity.user is None
    assert identity.username_key is None


def test_a_first_username_makes_the_identity_a_user() -> None:
    identity = an_identity().set_username(parse_username("Rahul Sharma"), LATER)
    assert identity.user is not None
    assert (identity.user.username.text, identity.user.created_at) == ("Rahul Sharma", LATER)
    assert identity.username_key == parse_username("RAHUL SHARMA").key


def test_another_username_keeps_the_creation_time_of_the_user() -> None:
    identity = an_identity(user=a_user("Rahul")).set_username(parse_username("Rahul Sharma"), LATER)
    assert identity.user is not None
    assert (identity.user.username.text, identity.user.created_at) == ("Rahul Sharma", NOW)


def test_no_change_changes_the_id() -> None:
    identity = an_identity()
    user = identity.set_username(parse_username("Rahul"), NOW)
    successors = [user, identity.promote(), identity.delete(NOW), user.release_username()]
    assert {successor.id for successor in successors} == {identity.id}


# Roles


def test_promotion_changes_the_role_and_revokes_the_sessions_of_the_member() -> None:
    member = an_identity(user=a_user(), sessions=(a_session(),))
    promoted = member.promote()
    assert promoted.is_administrator
    assert promoted == replace(member, role=Role.ADMINISTRATOR, sessions=())
    assert promoted.demote() == replace(member, sessions=())


def test_a_promotion_of_an_administrator_and_a_demotion_revoke_no_session() -> None:
    administrator = an_identity().promote().add_session(a_session())
    assert administrator.promote() == administrator
    assert administrator.demote().sessions == (a_session(),)


def test_setting_the_same_role_again_changes_nothing() -> None:
    assert an_identity().demote() == an_identity()
    assert an_identity().promote().promote() == an_identity().promote()


# Sessions


def test_a_session_is_active_until_it_expires() -> None:
    session = a_session(id="one", expires_at=NOW + SECOND)
    identity = an_identity().add_session(session)
    assert identity.find_session("one", NOW) == session
    assert identity.find_session("one", NOW + SECOND - MILLISECOND) == session
    assert identity.find_session("one", NOW + SECOND) is None


def test_an_unknown_session_is_not_found() -> None:
    assert an_identity().add_session(a_session(id="one")).find_session("two", NOW) is None


def test_active_sessions_are_those_that_have_not_expired() -> None:
    expired = a_session(id="expired", expires_at=NOW)
    active = a_session(id="active", expires_at=NOW + SECOND)
    identity = an_identity(sessions=(expired, active))
    assert identity.active_sessions(NOW) == (active,)
    assert replace(identity, blocked_at=NOW).active_sessions(NOW) == ()
    assert replace(identity, deleted_at=NOW).active_sessions(NOW) == ()


def test_above_twenty_sessions_the_oldest_is_revoked() -> None:
    identity = an_identity()
    for number in range(MAX_SESSIONS + 2):
        identity = identity.add_session(a_session(id=str(number), created_at=NOW + SECOND * number))
    now = NOW + SECOND * 30
    assert MAX_SESSIONS == 20
    assert [number for number in range(22) if identity.find_session(str(number), now)] == [
        *range(2, 22)
    ]


def test_expired_sessions_are_removed_before_the_oldest_is_revoked() -> None:
    identity = an_identity().add_session(a_session(id="oldest"))
    for number in range(MAX_SESSIONS - 1):
        identity = identity.add_session(a_session(id=str(number), expires_at=NOW + SECOND))
    identity = identity.add_session(a_session(id="new", created_at=NOW + SECOND))
    assert [session.id for session in identity.sessions] == ["oldest", "new"]


def test_a_changed_session_keeps_its_position() -> None:
    one, two, three = (a_session(id=session_id) for session_id in ("one", "two", "three"))
    identity = an_identity(sessions=(one, two, three)).replace_session(
        two.record_use(LATER, SessionLimits())
    )
    assert identity.sessions == (one, two.record_use(LATER, SessionLimits()), three)


def test_a_revoked_session_does_not_come_back_when_it_is_changed() -> None:
    identity = an_identity(sessions=(a_session(id="one"),))
    assert identity.replace_session(a_session(id="two")) == identity


def test_revoking_a_session_keeps_the_others() -> None:
    one, two = (a_session(id=session_id) for session_id in ("one", "two"))
    identity = an_identity(sessions=(one, two)).revoke_session("one")
    assert identity.sessions == (two,)
    assert identity.revoke_session("one") == identity


def test_revoking_other_sessions_keeps_this_one() -> None:
    one, two, three = (a_session(id=session_id) for session_id in ("one", "two", "three"))
    identity = an_identity(sessions=(one, two, three))
    assert identity.revoke_other_sessions("two").sessions == (two,)


def test_revoking_all_sessions_keeps_none() -> None:
    identity = an_identity(user=a_user(), sessions=(a_session(id="one"), a_session(id="two")))
    assert identity.revoke_all_sessions() == replace(identity, sessions=())


# Blocking


def test_blocking_revokes_all_sessions_for_good() -> None:
    identity = an_identity(sessions=(a_session(id="one"), a_session(id="two")))
    blocked = identity.block(NOW)
    assert blocked.is_blocked
    assert (blocked.sessions, blocked.unblock().sessions) == ((), ())


def test_a_session_of_a_blocked_identity_is_not_active() -> None:
    blocked = an_identity().block(NOW).add_session(a_session(id="one"))
    assert blocked.find_session("one", NOW) is None
    assert blocked.unblock().find_session("one", NOW) is not None


def test_blocking_changes_nothing_else() -> None:
    identity = an_identity(user=a_user()).promote()
    blocked = identity.block(NOW)
    assert blocked == replace(identity, blocked_at=NOW)
    assert not blocked.is_deleted
    assert blocked.unblock() == identity


def test_a_second_block_keeps_the_time_of_the_first() -> None:
    blocked = an_identity().block(NOW)
    assert blocked.block(LATER) == blocked


def test_unblocking_an_identity_that_is_not_blocked_changes_nothing() -> None:
    assert an_identity().unblock() == an_identity()


# Deletion


def test_deletion_revokes_sessions_and_role_in_one_step() -> None:
    identity = an_identity(user=a_user()).promote().add_session(a_session(id="one"))
    deleted = identity.delete(NOW)
    assert deleted.is_deleted
    assert deleted.role is Role.MEMBER
    assert deleted.sessions == ()
    assert not deleted.purged_at


def test_deletion_removes_the_consent() -> None:
    joined = an_identity(is_verified=False, consent=Consent("You agree.", "en", NOW))

    assert joined.delete(NOW).consent is None


def test_a_session_of_a_deleted_identity_is_not_active() -> None:
    deleted = a_deleted_identity(sessions=(a_session(id="one"),))
    assert deleted.find_session("one", NOW) is None


def test_a_deleted_identity_keeps_its_phone_until_it_is_purged() -> None:
    deleted = an_identity().delete(NOW)
    assert deleted.phone == a_phone()
    assert (deleted.purge(NOW).phone, deleted.purge(NOW).purged_at) == (None, NOW)


def test_a_purged_identity_keeps_its_username() -> None:
    assert a_deleted_identity(user=a_user()).purge(NOW).username_key == a_user().username.key


def test_a_deleted_identity_holds_its_username_for_thirty_days() -> None:
    deleted = a_deleted_identity(user=a_user())
    assert timedelta(days=30) == USERNAME_HOLD_PERIOD
    assert not deleted.is_username_released(NOW + timedelta(days=30) - MILLISECOND)
    assert deleted.is_username_released(NOW + timedelta(days=30))


def test_a_released_username_is_no_longer_reserved() -> None:
    assert a_deleted_identity(user=a_user()).release_username().username_key is None


def test_the_username_of_an_identity_that_is_not_deleted_is_never_released() -> None:
    assert not an_identity(user=a_user()).is_username_released(NOW + timedelta(days=10_000))


def test_a_challenge_that_opened_a_session_is_kept_until_it_expires() -> None:
    used = UsedChallenge("challenge", NOW + SECOND)
    identity = an_identity().add_session(a_session(id="one"), used)
    ended = identity.revoke_all_sessions().promote().block(NOW).delete(NOW)
    assert ended.has_used("challenge")
    assert not ended.has_used("another")
    assert identity.add_session(a_session(id="two")).has_used("challenge")
    later = identity.add_session(a_session(id="two", created_at=NOW + SECOND))
    assert not later.has_used("challenge")


def test_an_identity_is_unused_since_its_latest_session_was() -> None:
    year = timedelta(days=365)
    used_at = NOW + timedelta(days=10)
    never, once = an_identity(), an_identity().add_session(a_session())
    assert never.is_unused(NOW + year, year)
    assert not never.is_unused(NOW + year - SECOND, year)
    used = once.replace_session(a_session(last_used_at=used_at)).revoke_all_sessions()
    assert not used.is_unused(used_at + year - SECOND, year)
    assert used.is_unused(used_at + year, year)


def test_a_login_is_a_use_even_after_its_session_was_revoked() -> None:
    year, logged_in_at = timedelta(days=365), NOW + timedelta(days=10)
    session = a_session(id="one", created_at=logged_in_at)
    identity = an_identity().add_session(session).revoke_session("one")
    assert not identity.is_unused(logged_in_at + year - SECOND, year)
    assert identity.is_unused(logged_in_at + year, year)


def test_a_session_that_was_saved_without_the_last_use_of_its_identity_is_a_use() -> None:
    year, used_at = timedelta(days=365), NOW + timedelta(days=10)
    identity = an_identity(sessions=(a_session(last_used_at=used_at),))
    assert not identity.is_unused(used_at + year - SECOND, year)


def test_a_detached_identity_keeps_its_phone_and_nothing_else_that_others_could_use() -> None:
    identity = an_identity(user=a_user()).promote().add_session(a_session())
    detached = identity.detach(NOW)
    assert detached.is_closed
    assert (detached.user, detached.sessions, detached.devices) == (None, (), ())
    assert detached.role is Role.MEMBER
    assert detached.phone == identity.phone
    restored = detached.restore(NOW + timedelta(days=400))
    assert not restored.is_closed
    assert not restored.is_unused(NOW + timedelta(days=401), timedelta(days=365))
