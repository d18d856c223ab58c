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


def test_a_used_code_is_kept_longer_so_that_its_login_can_be_repeated() -> None:
    expired = NOW + OTP_TTL
    assert CHALLENGES.current_ids(expired - MICROSECOND) == {an_id(1), an_id(2), an_id(3)}
    assert CHALLENGES.current_ids(expired) == set()
    assert CHALLENGES.prune(expired).all == (USED,)
    assert CHALLENGES.prune(expired + LOGIN_REPEAT_PERIOD).all == ()


def test_a_challenge_of_a_clock_that_was_wrong_is_dropped() -> None:
    assert CHALLENGES.prune(NOW - CLOCK_SKEW) == CHALLENGES
    assert CHALLENGES.prune(NOW - CLOCK_SKEW - MICROSECOND).all == ()
