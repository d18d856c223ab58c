"""A session: its last use, and the form and rotation of its refresh tokens (RFC 9700 §4.14)."""

import base64
import hmac
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.identities.refresh_token import RefreshToken, make_refresh_token, parse_refresh_token
from domain.identities.session import RefreshTokenFamily, Session, SessionLimits
from tests.support.builders import NOW, a_parsed_token, a_session, an_id
from tests.support.examples import examples

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
NONCE = b"n" * 16
FIRST_GENERATION = RefreshTokenFamily(nonce=NONCE, rotated_at=NOW)
FIFTH_GENERATION = RefreshTokenFamily(nonce=NONCE, rotated_at=NOW, generation=5, previous=4)
UNCONFIRMED = replace(FIFTH_GENERATION, is_confirmed=False)
LIMITS = SessionLimits(max_age=365 * DAY, idle_timeout=90 * DAY)
STEPS = ("refresh", "lost response", "use")
PAUSES = st.sampled_from([timedelta(0), 9 * SECOND, 10 * SECOND, MINUTE, DAY, -MINUTE])


def rotate(family: RefreshTokenFamily, generation: int, now: datetime) -> RefreshTokenFamily:
    """Rotate with a token that is no reuse."""
    rotated = family.rotate(generation, now)
    assert rotated is not None
    return rotated


def family_of(session: Session) -> RefreshTokenFamily:
    assert session.token_family is not None
    return session.token_family


def test_a_login_is_recent_for_a_day_and_no_refresh_makes_it_recent() -> None:
    session = a_session(created_at=NOW, token_family=FIRST_GENERATION)
    assert session.is_recent(NOW + DAY - MICROSECOND)
    assert not session.is_recent(NOW + DAY)
    assert not session.refresh(FIFTH_GENERATION, NOW + DAY, LIMITS, "network").is_recent(NOW + DAY)


def test_a_use_is_recorded_once_a_day_or_more_often_with_a_short_idle_timeout() -> None:
    session = a_session(created_at=NOW - 9 * DAY)
    assert session.last_seen_at == NOW - 9 * DAY
    short = SessionLimits(idle_timeout=timedelta(minutes=10))
    for limits, period in ((LIMITS, DAY), (short, MINUTE)):
        used = session.record_use(NOW, limits)
        assert used.last_seen_at == NOW
        assert used.record_use(NOW + period - SECOND, limits) is used
        assert used.record_use(NOW + period, limits).last_seen_at == NOW + period


def test_a_session_ends_at_its_maximum_age_or_when_it_is_idle_for_too_long() -> None:
    session = a_session(created_at=NOW, token_family=FIRST_GENERATION)
    refreshed = session.refresh(FIFTH_GENERATION, NOW + 364 * DAY, LIMITS, "network")
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


def test_for_ten_seconds_a_retry_gets_the_same_successor() -> None:
    # A clock may be set back.
    for elapsed in (-DAY, timedelta(0), 10 * SECOND - MICROSECOND):
        assert FIFTH_GENERATION.rotate(4, NOW + elapsed) == FIFTH_GENERATION
        assert UNCONFIRMED.rotate(4, NOW + elapsed) == UNCONFIRMED
    assert FIFTH_GENERATION.rotate(4, NOW + 10 * SECOND) is None


@pytest.mark.parametrize("elapsed", [10 * SECOND, 89 * DAY])
def test_later_a_retry_gets_a_new_successor_and_the_unconfirmed_one_is_void(
    elapsed: timedelta,
) -> None:
    family, now = UNCONFIRMED, NOW
    for successor in (6, 7):
        now += elapsed
        family = rotate(family, 4, now)

        assert (family.generation, family.is_confirmed) == (successor, False)
        assert rotate(family, 4, now + 10 * SECOND - MICROSECOND) == family
        for void in range(5, successor):
            assert family.rotate(void, now) is None
            assert not family.accepts(void)
            assert family.confirm(void) == family
        assert family.accepts(4)

    family = rotate(family, 7, now)
    assert family.rotate(4, now) is None
    assert rotate(family, 7, now) == family
    family = rotate(family, 8, now)
    assert [number for number in range(11) if family.accepts(number)] == [7, 8, 9]


def test_without_a_void_generation_all_earlier_access_tokens_are_valid() -> None:
    family = FIRST_GENERATION
    for generation in range(1, 6):
        assert all(family.accepts(earlier) for earlier in range(1, generation + 1))
        assert not family.accepts(generation + 1)
        family = rotate(family, generation, NOW)
    assert family.accepts(None)


@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), PAUSES)))
def test_a_single_holder_is_never_signed_out_by_lost_responses(
    steps: list[tuple[str, timedelta]],
) -> None:
    session, now = a_session(created_at=NOW, token_family=FIRST_GENERATION), NOW
    held = 1
    for step, pause in steps:
        now += pause
        if step == "use":
            assert session.accepts_generation(held)
            session = session.record_use(now, LIMITS, held)
            continue
        family = rotate(family_of(session), held, now)
        session = session.refresh(family, now, LIMITS, "network")
        if step == "refresh":
            held = family.generation


@given(
    steps=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30),
    pause=st.sampled_from([10 * SECOND, 15 * MINUTE]),
)
def test_of_two_holders_who_are_ten_seconds_apart_none_stays_signed_in(
    steps: list[tuple[bool, bool]], pause: timedelta
) -> None:
    """Each step says who refreshes, and whether this holder uses the new access token."""
    session, now = a_session(created_at=NOW, token_family=FIRST_GENERATION), NOW
    held = {False: 1, True: 1}
    turns: list[bool] = []
    for holder, uses in steps:
        now += pause
        family = family_of(session).rotate(held[holder], now)
        if family is None:
            return
        session = session.refresh(family, now, LIMITS, "network")
        held[holder] = family.generation
        if uses:
            session = session.record_use(now, LIMITS, family.generation)
        turns += [holder] * (turns[-1:] != [holder])
        assert len(turns) < 3  # whoever was first is found out at the second turn


KEY = b"k" * 32
SESSION_ID = "0f" * 16


def a_token(generation: int = 1) -> RefreshToken:
    return make_refresh_token(an_id(), SESSION_ID, generation, key=KEY, nonce=NONCE)


@settings(max_examples=examples(20))
@given(st.integers(0, 2**32 - 1))
def test_an_encoded_token_is_parsed_to_the_same_token(generation: int) -> None:
    token = a_token(generation)
    assert parse_refresh_token(token.text) == token
    assert a_parsed_token(token.text).has_valid_mac([KEY], NONCE)


@settings(max_examples=examples(40))
@given(st.integers(0, 63), st.integers(1, 255))
def test_a_token_with_a_changed_byte_has_an_invalid_mac(position: int, change: int) -> None:
    token = a_token()
    payload = bytes.fromhex(token.identity_id) + bytes.fromhex(token.session_id)
    raw = bytearray(payload + token.generation.to_bytes(4, "big") + token.mac)
    raw[position] ^= change
    changed = RefreshToken(
        raw[:12].hex(), raw[12:28].hex(), int.from_bytes(raw[28:32], "big"), bytes(raw[32:])
    )
    assert not a_parsed_token(changed.text).has_valid_mac([KEY], NONCE)


@given(st.text(max_size=120))
@example(a_token().text + "=")
@example(a_token().text + "AAAA")
@example(a_token().text[:-4])
@example(a_token().text.replace("A", "á", 1))
@example(a_token().text[:40] + "." + a_token().text[40:])
def test_other_text_is_not_a_refresh_token(text: str) -> None:
    assert parse_refresh_token(text) is None


def test_a_token_is_the_base64url_form_of_ids_generation_and_mac() -> None:
    payload = bytes.fromhex(an_id()) + bytes.fromhex(SESSION_ID) + b"\x01\x02\x03\x04"
    mac = hmac.digest(KEY, b"dialtone refresh token\0" + payload + NONCE, "sha256")
    encoded = base64.urlsafe_b64encode(payload + mac).decode().rstrip("=")
    assert a_token(0x01020304).text == encoded
    for secret in (a_token().mac.hex(), str(a_token().mac)):
        assert secret not in repr(a_token())
