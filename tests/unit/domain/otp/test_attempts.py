"""Attempts: which limit each one counts against, and that strangers use up nobody else's.

- With a request id: the five attempts of that delivery.
- Without one: those of its IP. An IP that requested no delivery is unknown; all unknown IPs share
  one limit, and each has a first attempt after a delivery in any case.
- At callbacks: five for everybody together, and they reveal no callback.
"""

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import TooManyAttempts
from domain.otp.attempts import NotCounted, OtpAttempt, Retried, Wrong
from domain.otp.challenge import Login, OtpCode
from domain.otp.delivery import Delivery
from domain.otp.delivery_policy import DeliveryDecision
from tests.support.builders import NOW, a_hashed_ip, an_id
from tests.unit.domain.otp.verification_driver import (
    DEVICE,
    HOME_IP,
    HOUR,
    IDENTITY_ID,
    WORK_IP,
    WRONG_CODE,
    VerificationDriver,
    code_of,
    unknown_ip,
)

# With a request id


def test_after_five_wrong_codes_from_any_ip_even_the_correct_code_is_rejected(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    for number, left in enumerate((4, 3, 2, 1, 0)):
        assert driver.copy().accepts(code, request_id=request_id)
        assert driver.fail(1, unknown_ip(number), request_id) == [left]
    before = driver.verification
    with pytest.raises(TooManyAttempts):
        driver.verify(code, request_id=request_id)
    assert driver.verification is before


def test_a_repeat_within_ten_seconds_is_not_counted(driver: VerificationDriver) -> None:
    request_id = driver.request().request_id
    for seconds, expected in ((0, Wrong(4)), (9.999, NotCounted(4)), (0.001, Wrong(3))):
        driver.wait(seconds)
        assert driver.verify(WRONG_CODE, request_id=request_id) == expected


def test_only_the_latest_code_of_the_same_counter_is_a_repeat(driver: VerificationDriver) -> None:
    request_id = driver.request().request_id
    codes = [WRONG_CODE, "888888", WRONG_CODE]
    results = [driver.verify(code, request_id=request_id) for code in codes]
    assert results == [Wrong(4), Wrong(3), Wrong(2)]
    assert driver.verify(WRONG_CODE) == Wrong(4)


"""In the same /48 as `unknown_ip(1)`."""


# The IP that requested the delivery


def test_after_five_wrong_codes_even_the_correct_code_is_rejected_until_the_next_delivery(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    assert driver.fail(5, HOME_IP) == [4, 3, 2, 1, 0]
    before = driver.verification
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), HOME_IP)
    assert driver.verification is before
    assert driver.fail(1, HOME_IP, decision.request_id) == [4]
    driver.wait(15)
    resend = driver.request(HOME_IP)
    assert driver.fail(1, HOME_IP) == [4]
    assert driver.accepts(code_of(resend.challenge), HOME_IP)


# Unknown IPs


def test_the_first_attempt_of_an_ip_after_a_delivery_does_not_need_the_shared_limit(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    assert driver.copy().accepts(code_of(decision.challenge), WORK_IP)
    assert driver.fail(1, WORK_IP) == [0]
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), WORK_IP)
    driver.wait(15)
    resend = driver.request(HOME_IP)
    assert driver.accepts(code_of(resend.challenge), WORK_IP)


def test_a_first_attempt_beyond_the_shared_limit_does_not_use_it_up(
    driver: VerificationDriver,
) -> None:
    driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    driver.wait(290)
    driver.request(HOME_IP)
    driver.use_up_shared_attempts(first=2000)
    driver.wait(HOUR - 290)
    driver.deliver(HOME_IP)
    assert driver.fail(1, WORK_IP) == [4]


def test_the_wait_ends_with_the_shared_limit_or_with_the_code(driver: VerificationDriver) -> None:
    driver.request(HOME_IP)
    driver.use_up_shared_attempts()
    for seconds, retry_after in ((HOUR - 100, 100), (-200, 300)):
        driver.wait(seconds)
        copy = driver.copy()
        copy.request(HOME_IP)
        copy.fail(1, WORK_IP)
        with pytest.raises(TooManyAttempts) as error:
            copy.fail(1, WORK_IP)
        assert error.value.retry_after == retry_after


def test_attempts_without_an_active_code_leave_no_state(driver: VerificationDriver) -> None:
    before = driver.verification
    for number in range(10):
        result = driver.verify(WRONG_CODE, unknown_ip(number))
        assert result == NotCounted(0)
    assert driver.verification is before


# While a limit of attempts of others is used up


def test_only_others_have_no_attempts_then(driver: VerificationDriver) -> None:
    driver.log_in(WORK_IP)
    driver.wait(300)
    decision = driver.request(unknown_ip(1))
    driver.is_limited = True
    code = code_of(decision.challenge)
    with pytest.raises(TooManyAttempts):
        driver.verify(code, HOME_IP)
    assert driver.copy().accepts(code, HOME_IP, decision.request_id)
    for client_ip in (unknown_ip(1), WORK_IP):
        assert driver.copy().accepts(code, client_ip)
    driver.device = DEVICE
    assert driver.accepts(code, HOME_IP)


def test_only_a_wrong_code_of_others_counts_on_their_limits(driver: VerificationDriver) -> None:
    driver.log_in(WORK_IP)
    driver.wait(300)
    request_id = driver.request(HOME_IP).request_id
    for client_ip, sent_id, is_of_others in (
        (unknown_ip(1), None, True),
        (unknown_ip(2), request_id, False),
        (HOME_IP, None, False),
        (WORK_IP, None, False),
    ):
        result = driver.verify(WRONG_CODE, client_ip, sent_id)
        assert isinstance(result, Wrong)
        assert result.is_of_others == is_of_others


# Digests and the shared limit


SECOND = timedelta(seconds=1)


def an_attempt(client_ip: str = WORK_IP, **changes: Any) -> OtpAttempt:
    """Return an attempt without a request id."""
    return OtpAttempt(
        code=OtpCode(WRONG_CODE), client_ip=a_hashed_ip(client_ip), now=NOW, **changes
    )


def test_the_digest_of_a_code_depends_on_key_code_and_delivery() -> None:
    attempts = [
        an_attempt(digest_key=b"one"),
        an_attempt(digest_key=b"two"),
        OtpAttempt(code=OtpCode("000001"), client_ip=a_hashed_ip(), now=NOW, digest_key=b"one"),
    ]
    digests = {attempt.digest(delivery) for attempt in attempts for delivery in ("", "a-request")}
    assert len(digests) == 6
    assert {len(digest) for digest in digests} == {32}


# During a block


def test_during_a_block_a_correct_code_counts_as_a_wrong_one_and_stays_valid(
    driver: VerificationDriver,
) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    driver.verification = driver.verification.block(driver.now)
    for left in (4, 3, 2, 1, 0):
        assert driver.verify(code, request_id=request_id) == Wrong(left)
        driver.wait(10)
    assert driver.verification.trusted_ips == ()
    driver.verification = driver.verification.unblock()
    with pytest.raises(TooManyAttempts):
        driver.verify(code, request_id=request_id)
    assert driver.accepts(code, HOME_IP)


# Correct codes

Decisions = tuple[DeliveryDecision, DeliveryDecision]


@pytest.fixture
def two_codes(driver: VerificationDriver) -> Decisions:
    """Two active codes that were delivered to `HOME_IP`."""
    first = driver.request(HOME_IP)
    driver.wait(250)
    return first, driver.request(HOME_IP)


def test_a_correct_code_resets_the_attempts_of_its_delivery_and_ip_and_no_others(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    first, second = two_codes
    driver.fail(4, WORK_IP, first.request_id)
    driver.fail(4, HOME_IP)
    driver.fail(5, WORK_IP)
    driver.fail(5, HOME_IP, second.request_id)
    assert driver.accepts(code_of(first.challenge), HOME_IP, first.request_id)
    assert driver.fail(1, WORK_IP, first.request_id) == [4]
    assert driver.fail(1, HOME_IP) == [4]
    for client_ip, request_id in ((WORK_IP, None), (HOME_IP, second.request_id)):
        with pytest.raises(TooManyAttempts):
            driver.fail(1, client_ip, request_id)


# Retries of an interrupted login


def test_a_retry_by_the_same_client_has_the_login_of_the_code(driver: VerificationDriver) -> None:
    decision = driver.request()
    code, request_id = code_of(decision.challenge), decision.request_id
    used = driver.use(code, request_id=request_id)
    assert used.login == used.challenge.login == Login(IDENTITY_ID, "a-session", request_id)
    before = driver.verification
    for client_ip, sent_id in ((HOME_IP, None), (HOME_IP, request_id), (WORK_IP, request_id)):
        retried = driver.verify(code, client_ip, sent_id)
        assert isinstance(retried, Retried)
        assert retried.code.challenge == used.challenge
        # Its permits are released now if the interrupted request did not.
        assert isinstance(retried.code.carrier, Delivery)
        assert retried.code.carrier.request_id == request_id
    assert driver.verification == before


def test_a_used_code_can_be_sent_again_by_its_ip_or_device_for_a_minute(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    driver.wait(299)
    assert driver.accepts(code, HOME_IP)
    assert not driver.can_log_in(code, WORK_IP)
    for client_ip, device in ((HOME_IP, None), (WORK_IP, DEVICE)):
        driver.device = device
        assert driver.copy(after=59).can_log_in(code, client_ip)
        assert not driver.copy(after=60).can_log_in(code, client_ip)


def test_for_that_minute_others_behind_the_ip_have_five_attempts_at_the_used_code(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request(HOME_IP).challenge)
    driver.verify(code, HOME_IP)
    assert driver.verify(code, WORK_IP) == NotCounted(0)
    driver.wait(10)
    assert driver.fail(5, HOME_IP) == [0, 0, 0, 0, 0]
    with pytest.raises(TooManyAttempts) as error:
        driver.verify(code, HOME_IP)
    assert error.value.retry_after == 50
    driver.wait(50)
    before = driver.verification
    assert driver.verify(code, HOME_IP) == NotCounted(0)
    assert driver.verification is before


def test_of_two_used_codes_the_one_that_was_used_last_can_be_sent_again(
    driver: VerificationDriver, two_codes: Decisions
) -> None:
    codes = [code_of(decision.challenge) for decision in two_codes]
    for code in codes:
        driver.wait(1)
        assert driver.accepts(code)
    assert [driver.can_log_in(code) for code in codes] == [False, True]


def test_a_retry_has_no_login_after_a_block_or_at_another_identity(
    driver: VerificationDriver,
) -> None:
    code = code_of(driver.request().challenge)
    driver.verify(code)
    verification = driver.verification
    for changed in (verification.block(driver.now), verification.change_owner(an_id(9))):
        driver.verification = changed
        assert not driver.can_log_in(code)
