"""Refresh tokens are traded one by one; one that comes back late ends the session."""

from datetime import timedelta

import pytest

from domain.identities.session import NONCE_BYTES, RefreshTokenFamily
from tests.support.builders import NOW

LATER = NOW + timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
FIFTH = RefreshTokenFamily(nonce=b"n" * 16, rotated_at=NOW, generation=5)


def test_a_lineage_begins_with_its_first_generation() -> None:
    assert RefreshTokenFamily(nonce=b"n" * 16, rotated_at=NOW).generation == 1


def test_the_current_generation_is_traded_for_the_next() -> None:
    assert FIFTH.rotate(5, LATER) == RefreshTokenFamily(
        nonce=b"n" * 16, rotated_at=LATER, generation=6
    )


@pytest.mark.parametrize("passed", [timedelta(0), timedelta(seconds=10) - MICROSECOND])
def test_within_ten_seconds_the_one_before_gets_the_same_successor_again(passed: timedelta) -> None:
    assert FIFTH.rotate(4, NOW + passed) == FIFTH


def test_after_ten_seconds_the_one_before_ends_the_session() -> None:
    assert FIFTH.rotate(4, NOW + timedelta(seconds=10)) is None


@pytest.mark.parametrize("generation", [0, 1, 3, 6, 7])
def test_any_other_generation_ends_the_session(generation: int) -> None:
    assert FIFTH.rotate(generation, NOW) is None


def test_its_nonce_cannot_be_guessed() -> None:
    assert NONCE_BYTES >= 16
