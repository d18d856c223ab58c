"""Constant claims of short-lived tokens."""

import pytest

from domain.errors import InvalidValue
from domain.identities.constant_claims import (
    MAX_CONSTANT_BYTES,
    check_constant_claims,
    parse_constant_claim,
)
from entrypoints.settings.parsers import parse_token_claims

TAKEN = (
    "iss sub aud exp iat nbf jti sid gen amr app x auth_time acr azp scope client_id nonce at_hash "
    "cnf act email email_verified phone_number phone_number_verified name preferred_username "
    "groups roles entitlements"
)


def test_claims_are_names_and_values() -> None:
    expected = {"role": "authenticated", "https://acme.example/tenant": "a=b"}
    assert parse_token_claims("role=authenticated, https://acme.example/tenant=a=b") == expected
    assert parse_token_claims("none") == {}


@pytest.mark.parametrize("name", TAKEN.split())
def test_names_that_have_a_meaning_are_rejected(name: str) -> None:
    with pytest.raises(InvalidValue, match=name):
        parse_constant_claim(f"{name}=1")


@pytest.mark.parametrize("text", ["role", "=x", "role=", "1=2", "ro le=x", "role=a b", "rôle=x"])
def test_what_is_no_claim_is_rejected(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_constant_claim(text)


def test_nobody_gets_the_role_that_passes_all_rules() -> None:
    with pytest.raises(InvalidValue, match="service_role"):
        parse_constant_claim("role=service_role")
    assert parse_constant_claim("tenant=service_role") == ("tenant", "service_role")


def test_each_name_comes_once_and_all_of_them_are_short() -> None:
    with pytest.raises(InvalidValue, match="once"):
        check_constant_claims([("role", "a"), ("role", "b")])
    longest = "x" * (MAX_CONSTANT_BYTES - len('{"role":""}'))
    assert check_constant_claims([("role", longest)])
    with pytest.raises(InvalidValue):
        check_constant_claims([("role", f"{longest}x")])
