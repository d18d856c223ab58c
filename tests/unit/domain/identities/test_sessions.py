"""Sessions live inside their identity: at most twenty, the oldest ends."""

from datetime import timedelta

from domain.identities.session import MOST_SESSIONS
from tests.builders import NOW, a_session, a_tombstone, an_identity

SECOND = timedelta(seconds=1)


def test_a_session_is_on_from_its_sign_in() -> None:
    session = a_session(id="one")
    assert an_identity().signed_in(session).session("one", NOW) == session


def test_a_session_is_on_until_it_expires() -> None:
    identity = an_identity().signed_in(a_session(id="one", expires=NOW + SECOND))
    assert identity.session("one", NOW + SECOND - timedelta(milliseconds=1)) is not None
    assert identity.session("one", NOW + SECOND) is None


def test_a_session_that_was_never_begun_is_not_on() -> None:
    assert an_identity().signed_in(a_session(id="one")).session("two", NOW) is None


def test_signing_out_ends_one_session() -> None:
    identity = an_identity().signed_in(a_session(id="one")).signed_in(a_session(id="two"))
    signed_out = identity.signed_out("one")
    assert signed_out.session("one", NOW) is None
    assert signed_out.session("two", NOW) is not None


def test_signing_out_twice_is_signing_out_once() -> None:
    identity = an_identity().signed_in(a_session(id="one"))
    assert identity.signed_out("one").signed_out("one") == identity.signed_out("one")


def test_there_are_at_most_twenty_sessions_and_the_oldest_ends() -> None:
    identity = an_identity()
    for number in range(MOST_SESSIONS + 2):
        identity = identity.signed_in(a_session(id=str(number), created=NOW + SECOND * number))
    now = NOW + SECOND * 30
    assert MOST_SESSIONS == 20
    assert [number for number in range(22) if identity.session(str(number), now)] == [*range(2, 22)]


def test_sessions_whose_time_is_over_make_room_first() -> None:
    identity = an_identity().signed_in(a_session(id="oldest"))
    for number in range(MOST_SESSIONS - 1):
        identity = identity.signed_in(a_session(id=str(number), expires=NOW + SECOND))
    identity = identity.signed_in(a_session(id="new", created=NOW + SECOND))
    assert [one.id for one in identity.sessions] == ["oldest", "new"]


def test_a_tombstone_has_no_sessions() -> None:
    tombstone = a_tombstone(sessions=(a_session(id="one"),))
    assert tombstone.session("one", NOW) is None
