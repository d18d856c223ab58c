"""Claims of a user and of a session in one token."""

from domain.identities.claims import merge_claims, read_claims


def test_the_claims_of_the_session_win_key_by_key() -> None:
    of_user, of_session = '{"plan":"pro","roles":["a"]}', '{"roles":[],"device":"kiosk"}'
    merged = {"plan": "pro", "roles": [], "device": "kiosk"}
    assert merge_claims(of_user, of_session) == merged
    assert (merge_claims("", of_session), merge_claims("", "")) == (read_claims(of_session), {})
