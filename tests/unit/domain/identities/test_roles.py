"""A role is given and taken; nothing else of an identity hangs on that."""

from dataclasses import replace
from datetime import timedelta

from domain.identities.identity import Role
from tests.support.builders import NOW, a_session, a_user, an_identity


def test_an_identity_is_a_member_at_first() -> None:
    assert not an_identity().is_administrator


def test_a_role_changes_nothing_else() -> None:
    member = an_identity(user=a_user(), sessions=(a_session(),))
    promoted = member.promote()
    assert promoted == replace(member, role=Role.ADMINISTRATOR)
    assert promoted.demote() == member


def test_giving_what_somebody_has_changes_nothing() -> None:
    assert an_identity().demote() == an_identity()
    assert an_identity().promote().promote() == an_identity().promote()


def test_living_sessions_are_those_that_are_on() -> None:
    over = a_session(id="over", expires_at=NOW)
    on = a_session(id="on", expires_at=NOW + timedelta(seconds=1))
    identity = an_identity(sessions=(over, on))
    assert identity.active_sessions(NOW) == (on,)
    assert replace(identity, blocked_at=NOW).active_sessions(NOW) == ()
    assert replace(identity, deleted_at=NOW).active_sessions(NOW) == ()
