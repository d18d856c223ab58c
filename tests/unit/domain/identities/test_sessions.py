"""Sessions live inside their identity: at most twenty, the oldest ends."""

from datetime import timedelta

from domain.identities.session import MAX_SESSIONS
from tests.support.builders import NOW, a_deleted_identity, a_session, an_identity

SECOND = timedelta(seconds=1)


def test_a_session_is_on_from_its_sign_in() -> None:
    session = a_session(id="one")
    assert an_identity().add_session(session).find_session("one", NOW) == session


def test_a_session_is_on_until_it_expires() -> None:
    identity = an_identity().add_session(a_session(id="one", expires_at=NOW + SECOND))
    assert identity.find_session("one", NOW + SECOND - timedelta(milliseconds=1)) is not None
    assert identity.find_session("one", NOW + SECOND) is None


def test_a_session_that_was_never_begun_is_not_on() -> None:
    assert an_identity().add_session(a_session(id="one")).find_session("two", NOW) is None


def test_signing_out_ends_one_session() -> None:
    identity = an_identity().add_session(a_session(id="one")).add_session(a_session(id="two"))
    signed_out = identity.revoke_session("one")
    assert signed_out.find_session("one", NOW) is None
    assert signed_out.find_session("two", NOW) is not None


def test_signing_out_twice_is_signing_out_once() -> None:
    identity = an_identity().add_session(a_session(id="one"))
    assert identity.revoke_session("one").revoke_session("one") == identity.revoke_session("one")


def test_there_are_at_most_twenty_sessions_and_the_oldest_ends() -> None:
    identity = an_identity()
    for number in range(MAX_SESSIONS + 2):
        identity = identity.add_session(a_session(id=str(number), created_at=NOW + SECOND * number))
    now = NOW + SECOND * 30
    assert MAX_SESSIONS == 20
    assert [number for number in range(22) if identity.find_session(str(number), now)] == [
        *range(2, 22)
    ]


def test_sessions_whose_time_is_over_make_room_first() -> None:
    identity = an_identity().add_session(a_session(id="oldest"))
    for number in range(MAX_SESSIONS - 1):
        identity = identity.add_session(a_session(id=str(number), expires_at=NOW + SECOND))
    identity = identity.add_session(a_session(id="new", created_at=NOW + SECOND))
    assert [one.id for one in identity.sessions] == ["oldest", "new"]


def test_a_tombstone_has_no_sessions() -> None:
    tombstone = a_deleted_identity(sessions=(a_session(id="one"),))
    assert tombstone.find_session("one", NOW) is None
