"""Claims of a user, which fit into a token, and the id that another system has for it."""

from typing import Any

import pytest

from domain.errors import InvalidCharacters, InvalidNumber, TooLong, TooShort
from domain.identities.claims import MAX_CLAIMS_BYTES, merge_claims, parse_claims, read_claims
from domain.identities.external_id import MAX_EXTERNAL_ID_LENGTH, parse_external_id
from domain.json_values import MAX_INTEGER
from tests.support.builders import NOW, an_identity


def test_claims_may_have_objects_and_arrays_in_them() -> None:
    claims = {"plan": "Zoë", "roles": ["editor"], "of": {"": [1, {"id": None}]}, "": 0}
    assert read_claims(parse_claims(claims)) == claims
    assert parse_claims(dict(reversed(claims.items()))) == parse_claims(claims)
    assert (parse_claims({}), read_claims("")) == ("", {})


def test_the_limit_counts_bytes_as_in_a_token() -> None:
    longest = "é" * ((MAX_CLAIMS_BYTES - len('{"a":""}')) // 6)
    assert len(parse_claims({"a": longest})) == MAX_CLAIMS_BYTES
    with pytest.raises(TooLong, match="at most 512 bytes"):
        parse_claims({"a": f"{longest}a"})


def test_a_claim_that_programs_would_misread_is_an_error() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TooLong):
        parse_claims({"a": deep})
    with pytest.raises(InvalidNumber):
        parse_claims({"of": [{"shop": MAX_INTEGER + 1}]})
    for claims in ({"a\0": 1}, {"of": [{"a": "\0"}]}, {"of": [{"\0": 1}]}):
        with pytest.raises(InvalidCharacters, match="U\\+0000"):
            parse_claims(claims)


def test_the_claims_of_the_session_win_key_by_key() -> None:
    of_user, of_session = '{"plan":"pro","roles":["a"]}', '{"roles":[],"device":"kiosk"}'
    merged = {"plan": "pro", "roles": [], "device": "kiosk"}
    assert merge_claims(of_user, of_session) == merged
    assert (merge_claims("", of_session), merge_claims("", "")) == (read_claims(of_session), {})


def test_an_external_id_is_kept_as_it_is_and_by_a_detached_identity_too() -> None:
    for text in ("A", "auth0|5 c", "~" * MAX_EXTERNAL_ID_LENGTH):
        assert parse_external_id(text) == text
    for text, error in (
        ("", TooShort),
        ("x" * (MAX_EXTERNAL_ID_LENGTH + 1), TooLong),
        (" a", InvalidCharacters),
        ("Zoë", InvalidCharacters),
        ("a\x7f", InvalidCharacters),
    ):
        with pytest.raises(error):
            parse_external_id(text)
    identity = an_identity(external_id=parse_external_id("7"))
    assert identity.detach(NOW).external_id == "7"
