"""Ids have 24 hex digits: 8 for the time and 16 random."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidIdentifier
from domain.identifier import RANDOM_BYTES, make_identifier, parse_identifier
from tests.support.builders import a_phone_verification, an_identity

TIMES = st.integers(0, 0xFFFFFFFF).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(TIMES, RANDOM)
def test_an_id_consists_of_the_time_and_the_random_bytes(now: datetime, random: bytes) -> None:
    identifier = make_identifier(now, random)
    assert len(identifier) == 24
    assert int(identifier[:8], 16) == int(now.timestamp())
    assert bytes.fromhex(identifier[8:]) == random
    assert parse_identifier(identifier) == parse_identifier(identifier.upper()) == identifier


@pytest.mark.parametrize(
    "text",
    [
        # Another length or other characters, and what int() reads as well.
        "", "0" * 23, "0" * 25, "g" * 24, "0" * 24 + "\n", "-" + "0" * 23, "\u0660" * 24,
    ],
)  # fmt: skip
def test_other_text_is_not_an_id(text: str) -> None:
    assert parse_identifier(text) is None


@pytest.mark.parametrize("text", ["user-1", "A" * 24])
def test_no_entity_has_an_id_from_elsewhere(text: str) -> None:
    with pytest.raises(InvalidIdentifier, match="An id has 24 hex digits"):
        an_identity(id=text)
    with pytest.raises(InvalidIdentifier):
        a_phone_verification(identity_id=text)
