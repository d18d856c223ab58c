"""A blocked phone gets the responses that any phone gets, but no delivery and no login."""

import pytest

from domain.errors import TooManyAttempts
from domain.otp.attempts import Wrong
from tests.support.builders import NOW
from tests.unit.domain.otp.verification_driver import (
    HOME_IP,
    WORK_IP,
    VerificationDriver,
    code_of,
)


def test_a_suppressed_code_is_delivered_on_request_after_the_block(
    driver: VerificationDriver,
) -> None:
    driver.verification = driver.verification.block(NOW)
    suppressed, repeated = driver.request(), driver.request()
    assert (suppressed.is_new, suppressed.is_suppressed) == (True, True)
    driver.verification = driver.verification.unblock()
    driver.wait(15)
    decision = driver.request()
    assert decision.challenge == suppressed.challenge
    decisions = (suppressed, repeated, decision, driver.request())
    assert [each.is_new and not each.is_suppressed for each in decisions] == [
        False,
        False,
        True,
        False,
    ]


def test_during_a_block_a_correct_code_counts_as_a_wrong_one_and_stays_valid(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    driver.verification = driver.verification.block(driver.now)
    assert not driver.accepts(code, WORK_IP)
    for left in (4, 3, 2, 1, 0):
        result = driver.verify(code, request_id=request_id)
        assert result == Wrong(left)
        driver.wait(10)
    assert [challenge.used_at for challenge in driver.verification.challenges] == [None]
    assert driver.verification.trusted_ips == ()
    driver.verification = driver.verification.unblock()
    with pytest.raises(TooManyAttempts):
        driver.verify(code, request_id=request_id)
    assert driver.accepts(code, HOME_IP)
