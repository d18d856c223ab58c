"""A role is given and taken; nothing else of an identity hangs on that."""

from dataclasses import replace
from datetime import timedelta

from domain.identities.identity import Role
from tests.builders import NOW, a_session, a_user, an_identity


def test_an_identity_is_a_member_at_first() -> None:
    assert not an_identity().is_administrator


def test_a_role_changes_nothing_else() -> None:
    member = an_identity(user=a_user(), sessions=(a_session(),))
    promoted = member.promoted()
    assert promoted == replace(member, role=Role.ADMINISTRATOR)
    assert promoted.demoted() == member


def test_giving_what_somebody_has_changes_nothing() -> None:
    assert an_identity().demoted() == an_identity()
    assert an_identity().promoted().promoted() == an_identity().promoted()


def test_living_sessions_are_those_that_are_on() -> None:
    over = a_session(id="over", expires=NOW)
    on = a_session(id="on", expires=NOW + timedelta(seconds=1))
    identity = an_identity(sessions=(over, on))
    assert identity.living_sessions(NOW) == (on,)
    assert replace(identity, blocked=NOW).living_sessions(NOW) == ()
    assert replace(identity, deleted=NOW).living_sessions(NOW) == ()
