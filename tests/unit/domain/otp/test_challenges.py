"""The challenges of the messages to one phone."""

from datetime import timedelta

from domain.identities.session import LOGIN_REPEAT_PERIOD
from domain.otp.challenge import OTP_TTL, Purpose
from domain.otp.challenges import MessageChallenges
from domain.otp.sliding_window import CLOCK_SKEW
from tests.support.builders import NOW, a_challenge, an_id

MICROSECOND = timedelta(microseconds=1)
USED = a_challenge(id=an_id(1), used_at=NOW)
ACTIVE = a_challenge(id=an_id(2))
OF_CHANGE = a_challenge(id=an_id(3), purpose=Purpose.CHANGE_PHONE, identity_id=an_id(9))
CHALLENGES = MessageChallenges((USED, ACTIVE, OF_CHANGE))


def test_only_unused_codes_of_a_sign_in_sign_in() -> None:
    assert CHALLENGES.active(NOW) == [ACTIVE]
    assert CHALLENGES.for_purpose(Purpose.CHANGE_PHONE, an_id(9)) == [OF_CHANGE]
    assert CHALLENGES.for_purpose(Purpose.CHANGE_PHONE, an_id(8)) == []


def test_a_used_code_is_kept_while_its_login_can_be_repeated_and_others_until_they_expire() -> None:
    for used_at in (NOW, NOW + OTP_TTL - MICROSECOND):
        used = a_challenge(id=an_id(1), used_at=used_at)
        over = used_at + LOGIN_REPEAT_PERIOD
        assert used in MessageChallenges((used, ACTIVE)).prune(over - MICROSECOND).all
        assert used not in MessageChallenges((used, ACTIVE)).prune(over).all
    expired = NOW + OTP_TTL
    assert CHALLENGES.prune(expired - MICROSECOND).all == (ACTIVE, OF_CHANGE)
    assert CHALLENGES.prune(expired).all == ()


def test_a_challenge_of_a_clock_that_was_wrong_is_dropped() -> None:
    assert CHALLENGES.prune(NOW - CLOCK_SKEW) == CHALLENGES
    assert CHALLENGES.prune(NOW - CLOCK_SKEW - MICROSECOND).all == ()
