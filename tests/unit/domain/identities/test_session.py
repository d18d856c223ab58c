"""A session: its last use, and the rotation of its refresh tokens (RFC 9700 §4.14)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.identities.session import RefreshTokenFamily, Session, SessionLimits
from tests.support.builders import NOW, a_session

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
NONCE = b"n" * 16
FIRST_GENERATION = RefreshTokenFamily(nonce=NONCE, rotated_at=NOW)
FIFTH_GENERATION = RefreshTokenFamily(nonce=NONCE, rotated_at=NOW, generation=5)
UNCONFIRMED = replace(FIFTH_GENERATION, is_confirmed=False)
LIMITS = SessionLimits(max_age=365 * DAY, idle_timeout=90 * DAY)


def test_a_login_is_recent_for_a_day_and_no_refresh_makes_it_recent() -> None:
    session = a_session(created_at=NOW, token_family=FIRST_GENERATION)
    assert session.is_recent(NOW + DAY - MICROSECOND)
    assert not session.is_recent(NOW + DAY)
    assert not session.refresh(FIFTH_GENERATION, NOW + DAY, LIMITS).is_recent(NOW + DAY)


def test_a_use_is_recorded_once_a_day() -> None:
    session = a_session(created_at=NOW - 9 * DAY)
    assert session.last_seen_at == NOW - 9 * DAY
    session = session.record_use(NOW, LIMITS)
    assert session.last_seen_at == NOW
    assert session.record_use(NOW + DAY - SECOND, LIMITS) is session
    assert session.record_use(NOW + DAY, LIMITS).last_seen_at == NOW + DAY


def test_a_short_idle_timeout_is_recorded_more_often() -> None:
    limits = SessionLimits(idle_timeout=timedelta(minutes=10))
    session = a_session(created_at=NOW, is_used=True)
    assert session.record_use(NOW + 59 * SECOND, limits) is session
    assert session.record_use(NOW + 60 * SECOND, limits) is not session


def test_a_session_ends_at_its_maximum_age_or_when_it_is_idle_for_too_long() -> None:
    session = a_session(created_at=NOW, token_family=FIRST_GENERATION)
    refreshed = session.refresh(FIFTH_GENERATION, NOW + 364 * DAY, LIMITS)
    assert refreshed.ends_at == NOW + 365 * DAY
    idle = a_session(expires_at=NOW + 90 * DAY, idle_expires_at=NOW + 30 * DAY)
    assert idle.ends_at == NOW + 30 * DAY
    assert replace(idle, idle_expires_at=NOW + 91 * DAY).ends_at == NOW + 90 * DAY


def test_only_an_access_token_of_the_current_generation_confirms_it() -> None:
    session = a_session(created_at=NOW, token_family=UNCONFIRMED, is_used=True)

    def use(generation: int | None) -> Session:
        return session.record_use(NOW + SECOND, LIMITS, generation)

    assert [use(generation) is session for generation in (None, 4, 6)] == [True, True, True]
    assert use(5).token_family == FIFTH_GENERATION
    assert use(5).record_use(NOW + 2 * SECOND, LIMITS, 5) == use(5)


def test_the_current_generation_is_replaced_by_the_next() -> None:
    assert FIFTH_GENERATION.rotate(5, NOW + DAY) == RefreshTokenFamily(
        nonce=NONCE, rotated_at=NOW + DAY, generation=6, is_confirmed=False
    )


def test_a_retry_gets_the_same_successor_for_ten_seconds_or_until_it_is_confirmed() -> None:
    for elapsed in (timedelta(0), 10 * SECOND - MICROSECOND):
        assert FIFTH_GENERATION.rotate(4, NOW + elapsed) == FIFTH_GENERATION
    assert FIFTH_GENERATION.rotate(4, NOW + 10 * SECOND) is None
    for elapsed in (10 * SECOND, 89 * DAY):
        assert UNCONFIRMED.rotate(4, NOW + elapsed) == UNCONFIRMED


@pytest.mark.parametrize("generation", [0, 1, 3, 6, 7])
def test_any_other_generation_is_a_reuse(generation: int) -> None:
    assert FIFTH_GENERATION.rotate(generation, NOW) is None
    assert UNCONFIRMED.rotate(generation, NOW) is None
