"""The responses about sessions."""

from domain.identities.session import Session
from entrypoints.http.sessions import to_session_response
from tests.support.builders import NOW


def test_only_the_session_of_the_request_is_the_current_one() -> None:
    session = Session("a", NOW, NOW)

    shown = [to_session_response(session, current_id) for current_id in ("a", "b")]

    assert [response.current for response in shown] == [True, False]
