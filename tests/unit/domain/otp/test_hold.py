"""The hold of a phone for the identity that had it."""

from datetime import timedelta

from domain.otp.hold import NO_HOLD, Hold
from tests.support.builders import NOW, an_id

MICROSECOND = timedelta(microseconds=1)


def test_a_hold_ends_at_its_deadline() -> None:
    hold = Hold(an_id(), NOW)
    assert hold.is_active(NOW - MICROSECOND)
    assert hold.prune(NOW - MICROSECOND) is hold
    assert not hold.is_active(NOW)
    assert hold.prune(NOW) is NO_HOLD
    assert not NO_HOLD.is_active(NOW)
