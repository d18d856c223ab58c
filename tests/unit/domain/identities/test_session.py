"""A session: its last use, and the rotation of its refresh tokens (RFC 9700 §4.14)."""

from datetime import timedelta

import pytest

from domain.identities.session import NONCE_BYTES, RefreshTokenFamily
from tests.support.builders import NOW, a_session

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
NONCE = b"n" * 16
FIRST_GENERATION = RefreshTokenFamily(nonce=NONCE, rotated_at=NOW)
FIFTH_GENERATION = RefreshTokenFamily(nonce=NONCE, rotated_at=NOW, generation=5)


def test_before_its_first_use_a_session_was_last_seen_at_its_creation() -> None:
    assert a_session(created_at=NOW).last_seen_at == NOW


def test_a_use_is_recorded_once_a_day() -> None:
    session = a_session(created_at=NOW - 9 * DAY).record_use(NOW)
    assert session.last_seen_at == NOW
    assert not session.should_record_use(NOW + DAY - SECOND)
    assert session.should_record_use(NOW + DAY)


def test_a_recorded_use_changes_nothing_else() -> None:
    session = a_session(device="Pixel", token_family=FIRST_GENERATION)
    assert session.record_use(NOW + DAY) == a_session(
        device="Pixel", token_family=FIRST_GENERATION, last_used_at=NOW + DAY
    )


def test_a_refreshed_session_lives_for_a_lifetime_from_now() -> None:
    session = a_session(id="one", created_at=NOW, device="Pixel", token_family=FIRST_GENERATION)
    rotated = RefreshTokenFamily(nonce=NONCE, rotated_at=NOW + DAY, generation=2)
    assert session.refresh(rotated, NOW + DAY, 30 * DAY) == a_session(
        id="one",
        created_at=NOW,
        expires_at=NOW + 31 * DAY,
        device="Pixel",
        last_used_at=NOW + DAY,
        token_family=rotated,
    )


def test_a_token_family_begins_with_the_first_generation() -> None:
    assert FIRST_GENERATION.generation == 1


def test_the_current_generation_is_replaced_by_the_next() -> None:
    assert FIFTH_GENERATION.rotate(5, NOW + DAY) == RefreshTokenFamily(
        nonce=NONCE, rotated_at=NOW + DAY, generation=6
    )


@pytest.mark.parametrize("elapsed", [timedelta(0), 10 * SECOND - MICROSECOND])
def test_within_ten_seconds_the_previous_generation_gets_the_same_successor(
    elapsed: timedelta,
) -> None:
    assert FIFTH_GENERATION.rotate(4, NOW + elapsed) == FIFTH_GENERATION


def test_after_ten_seconds_the_previous_generation_is_a_reuse() -> None:
    assert FIFTH_GENERATION.rotate(4, NOW + 10 * SECOND) is None


@pytest.mark.parametrize("generation", [0, 1, 3, 6, 7])
def test_any_other_generation_is_a_reuse(generation: int) -> None:
    assert FIFTH_GENERATION.rotate(generation, NOW) is None


def test_the_nonce_cannot_be_guessed() -> None:
    assert NONCE_BYTES >= 16
