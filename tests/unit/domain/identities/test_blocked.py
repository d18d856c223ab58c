"""A blocked identity has no sessions; all else of it stays as it is."""

from dataclasses import replace
from datetime import timedelta

from tests.support.builders import NOW, a_session, a_user, an_identity

LATER = NOW + timedelta(days=1)


def test_an_identity_is_not_blocked_at_first() -> None:
    assert not an_identity().is_blocked


def test_its_sessions_end_and_stay_ended() -> None:
    identity = an_identity(sessions=(a_session(id="one"), a_session(id="two")))
    blocked = identity.block(NOW)
    assert blocked.is_blocked
    assert (blocked.sessions, blocked.unblock().sessions) == ((), ())


def test_a_session_that_it_has_nevertheless_is_not_on() -> None:
    blocked = an_identity().block(NOW).add_session(a_session(id="one"))
    assert blocked.find_session("one", NOW) is None
    assert blocked.unblock().find_session("one", NOW) is not None


def test_nothing_else_of_it_changes() -> None:
    identity = an_identity(user=a_user()).promote()
    blocked = identity.block(NOW)
    assert blocked == replace(identity, blocked_at=NOW)
    assert not blocked.is_deleted
    assert blocked.unblock() == identity


def test_it_was_blocked_when_it_was_blocked_first() -> None:
    blocked = an_identity().block(NOW)
    assert blocked.block(LATER) == blocked


def test_unblocking_what_is_not_blocked_changes_nothing() -> None:
    assert an_identity().unblock() == an_identity()
