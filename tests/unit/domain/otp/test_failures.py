"""Failures in a row: what strangers have left, what ends them, and how many guesses there are."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests, TooManyResets
from domain.otp.attempts import MAX_FAILED_CLIENTS, ClientFailures, Failures
from domain.otp.delivery import ValidDeviceToken
from domain.otp.permits import Recognition
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import NOW, a_hashed_ip
from tests.unit.domain.otp.verification_driver import (
    DAY,
    DEVICE,
    HOME_IP,
    IDENTITY_ID,
    WORK_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)

TOKEN = "a-token"


@pytest.fixture
def driver() -> VerificationDriver:
    """A phone that logged in."""
    driver = VerificationDriver()
    driver.log_in(HOME_IP)
    driver.wait(hours=1)
    return driver


def test_after_fifty_failures_only_who_caused_a_message_has_an_attempt_at_its_code(
    driver: VerificationDriver,
) -> None:
    driver.fail_in_a_row(49)
    assert driver.copy().deliver(WORK_IP) is not None
    before = driver.request(WORK_IP)
    joined = driver.request(unknown_ip(1))
    assert driver.copy().fail(1, unknown_ip(1), joined.request_id) == [0]
    driver.fail_in_a_row(50)
    for client_ip, request_id in (
        (unknown_ip(1), joined.request_id),
        (unknown_ip(1), None),
        (unknown_ip(2), None),
    ):
        with pytest.raises(TooManyAttempts):
            driver.fail(1, client_ip, request_id)
    assert driver.copy().accepts(code_of(before.challenge), unknown_ip(2), before.request_id)
    driver.wait(15)
    driver.request(WORK_IP)
    assert driver.fail(1, WORK_IP) == [0]
    assert driver.fail(1, WORK_IP, before.request_id) == [0]
    for request_id in (None, before.request_id):
        with pytest.raises(TooManyAttempts):
            driver.verify(code_of(before.challenge), WORK_IP, request_id)


def test_failures_that_are_counted_at_the_code_count_after_fifty_as_well(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(WORK_IP)
    assert driver.fail(1, WORK_IP) == [4]
    driver.fail_in_a_row(50)
    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), WORK_IP)


def test_after_fifty_failures_a_request_joins_only_where_it_brings_an_attempt(
    driver: VerificationDriver,
) -> None:
    driver.request(WORK_IP)
    driver.fail_in_a_row(50)
    assert not driver.copy().request(WORK_IP).is_new
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(unknown_ip(1))
    assert (error.value.retry_after, error.value.limit) == (15, "cooldown")
    # The id of the joined request brings no second attempt.
    joined_first = driver.copy()
    joined = joined_first.request(WORK_IP)
    for each in (driver, joined_first):
        assert each.fail(1, WORK_IP) == [0]
    with pytest.raises(TooManyAttempts):
        joined_first.fail(1, WORK_IP, joined.request_id)
    with pytest.raises(TooManyOtpRequests):
        driver.request(WORK_IP)
    assert not driver.request(HOME_IP).is_new  # it is recognized


def test_after_a_hundred_failures_strangers_get_no_messages_for_a_day_and_then_ten_attempts(
    driver: VerificationDriver,
) -> None:
    decision = driver.request(WORK_IP)
    driver.wait(5)
    driver.fail_in_a_row(100)
    with pytest.raises(TooManyAttempts) as exhausted:
        driver.verify(code_of(decision.challenge), WORK_IP, decision.request_id)
    assert exhausted.value.retry_after == 295
    # Within the cooldown as well: no id is given.
    with pytest.raises(TooManyOtpRequests) as error:
        driver.request(WORK_IP)
    assert (error.value.retry_after, error.value.limit) == (DAY, "failed_attempts")
    assert not driver.copy().request(HOME_IP).is_new
    assert driver.copy(after=400).deliver(HOME_IP).is_new

    driver.wait(DAY)
    assert driver.verification.prune(driver.now).failures.in_a_row == 90
    for number in range(5):
        decision = driver.deliver(unknown_ip(number))
        assert driver.fail(1, unknown_ip(number), decision.request_id) == [0]
        assert driver.fail(1, unknown_ip(number)) == [0]
    with pytest.raises(TooManyOtpRequests):
        driver.request(unknown_ip(9))


@pytest.mark.parametrize(("failures", "of_next"), [(49, 5), (50, 1), (99, 1), (100, 0)])
def test_failures_of_strangers_take_no_attempts_of_recognized_clients(
    driver: VerificationDriver, failures: int, of_next: int
) -> None:
    driver.fail_in_a_row(failures)
    assert driver.verification.attempts_of_next_delivery == of_next
    driver.deliver(HOME_IP)
    assert driver.fail(5, HOME_IP) == [4, 3, 2, 1, 0]


def test_a_success_of_anybody_ends_the_failures_of_the_phone_and_its_own(
    driver: VerificationDriver,
) -> None:
    driver.deliver(HOME_IP)
    driver.fail(1, HOME_IP)
    of_home = driver.verification.failures
    driver.fail_in_a_row(49)
    decision = driver.deliver(WORK_IP)
    assert driver.accepts(code_of(decision.challenge), WORK_IP)
    assert driver.verification.failures == of_home


# Recognized clients


def test_a_failure_of_a_recognized_client_is_not_one_of_the_phone(
    driver: VerificationDriver,
) -> None:
    driver.deliver(HOME_IP)
    driver.fail(1, HOME_IP)
    driver.device = DEVICE
    driver.fail(2, HOME_IP)
    home = a_hashed_ip(HOME_IP).ip
    assert driver.verification.failures == Failures(
        by_client=(
            ClientFailures(home, 1, driver.now),
            ClientFailures(DEVICE.device_id, 2, driver.now),
        )
    )
    assert driver.accepts(code_of(driver.verification.challenges.all[-1]), HOME_IP)
    assert driver.verification.failures == Failures()


@pytest.mark.parametrize("device", [DEVICE, None])
def test_a_client_that_failed_twenty_times_in_a_row_is_a_stranger(
    driver: VerificationDriver, device: ValidDeviceToken | None
) -> None:
    client_ip = WORK_IP if device else HOME_IP
    driver.device = device
    for _ in range(4):
        assert not driver.check(client_ip=client_ip).recognized.is_stranger
        driver.deliver(client_ip)
        driver.fail(5, client_ip)
    assert driver.check(client_ip=client_ip).recognized.is_stranger
    copy = driver.copy()
    decision = copy.deliver(client_ip)
    assert copy.accepts(code_of(decision.challenge), client_ip, decision.request_id)
    assert not copy.check(client_ip=client_ip).recognized.is_stranger
    assert not driver.copy(after=30 * DAY).check(client_ip=client_ip).recognized.is_stranger


def test_a_device_of_another_identity_is_not_recognized(driver: VerificationDriver) -> None:
    driver.device = ValidDeviceToken("another", "another identity")
    assert driver.check(client_ip=WORK_IP).recognized.is_stranger
    assert driver.check(client_ip=HOME_IP).recognized.recognition is Recognition.TRUSTED_IP


def test_of_more_than_thirty_clients_that_failed_the_oldest_goes() -> None:
    failures = Failures()
    for number in range(MAX_FAILED_CLIENTS + 1):
        failures = failures.count(str(number), NOW)
    ids = [each.client_id for each in failures.by_client]
    assert ids == [str(number) for number in range(1, MAX_FAILED_CLIENTS + 1)]


# Resets of the limits by operators


def reset(driver: VerificationDriver) -> None:
    driver.verification = driver.verification.prune(driver.now).reset_limits(driver.now)


def test_after_a_reset_a_code_is_sent_at_once_and_the_limits_of_the_phone_count_again() -> None:
    driver = VerificationDriver()
    for _ in range(2):
        driver.use_up_deliveries()
        assert driver.verification.deliveries.all[-1].is_reset is False
        with pytest.raises(TooManyOtpRequests):
            driver.copy(after=3600).request(WORK_IP)
        reset(driver)
    assert driver.request(WORK_IP).is_new
    assert driver.copy(after=15).request(WORK_IP).is_new  # the cooldown is not doubled
    # Operators see the deliveries before the reset.
    deliveries = driver.verification.deliveries.all
    assert [delivery.is_reset for delivery in deliveries][-2:] == [True, False]
    assert driver.verification.prune(driver.now + timedelta(days=1)).deliveries.all == ()


def test_a_phone_is_reset_twice_a_day_and_the_error_says_when_again() -> None:
    driver = VerificationDriver()
    reset(driver)
    driver.wait(60)
    reset(driver)
    driver.wait(60)
    with pytest.raises(TooManyResets) as caught:
        reset(driver)
    assert caught.value.retry_after == DAY - 120

    driver.wait(caught.value.retry_after)
    reset(driver)


def test_a_reset_leaves_at_most_fifty_failures_and_none_of_a_client() -> None:
    of_device = ClientFailures(DEVICE.device_id, 20, NOW)
    failures = Failures(100, NOW, (of_device,))
    driver = VerificationDriver(PhoneVerification(failures=failures, identity_id=IDENTITY_ID))
    driver.device = DEVICE
    assert driver.check(client_ip=WORK_IP).recognized.is_stranger

    reset(driver)

    assert driver.verification.failures == Failures(50, NOW)
    assert driver.copy().deliver().delivery.device_id == DEVICE.device_id
    driver.device = None
    decision = driver.deliver()
    assert driver.fail(1, request_id=decision.request_id) == [0]


def test_a_reset_brings_no_attempts_at_a_code_that_was_sent_before() -> None:
    driver = VerificationDriver()
    decision = driver.deliver()
    assert driver.fail(5, request_id=decision.request_id)[-1] == 0

    reset(driver)

    with pytest.raises(TooManyAttempts):
        driver.verify(code_of(decision.challenge), request_id=decision.request_id)


# How many guesses strangers have at one phone, whatever they do: they ask from each network
# whenever they may, and use up all attempts with ids and without.


def guess(driver: VerificationDriver, client_ip: str, request_id: str | None = None) -> None:
    """Guess until an attempt is not looked at."""
    with suppress(TooManyAttempts):
        while driver.verification.find_candidates(driver.check().attempt):
            before = driver.verification
            driver.fail(1, client_ip, request_id)
            if driver.verification is before:
                return


def guess_for_a_day(
    driver: VerificationDriver,
    networks: int,
    *,
    logins_of_owner: int = 0,
    token_id: str | None = None,
) -> int:
    """Return how many guesses strangers of so many networks had in a day.

    With a token every second round is at its verifications, and the owner does both in turn.
    """
    begin, guesses = driver.now, 0
    login_times = [DAY * number // max(1, logins_of_owner) for number in range(logins_of_owner)]
    while (elapsed := (driver.now - begin).total_seconds()) < DAY:
        driver.token_id = token_id if driver.token_id is None else None
        before = driver.verification.prune(driver.now).failures.in_a_row
        for number in range(networks):
            ids = []
            for _ in range(4):
                with suppress(TooManyOtpRequests):
                    ids.append(driver.request(unknown_ip(number)).request_id)
            for request_id in (*ids, *([] if driver.token_id else [None])):
                guess(driver, unknown_ip(number), request_id)
        if driver.token_id is None:
            guess(driver, unknown_ip(9_999))
        guesses += driver.verification.failures.in_a_row - before
        if login_times and login_times[0] <= elapsed:
            login_times.pop(0)
            decision = driver.deliver(HOME_IP)
            assert driver.accepts(code_of(decision.challenge), HOME_IP, decision.request_id)
        driver.wait(61)
    return guesses


@pytest.mark.slow
@pytest.mark.parametrize(
    ("networks", "of_days"),
    [(1, (62, *[12] * 8)), (2, (74, 24, *[10] * 7)), (5, (74, 24, 10))],
)
def test_strangers_have_few_guesses_at_a_phone_and_fewer_from_day_to_day(
    networks: int, of_days: tuple[int, ...]
) -> None:
    driver = VerificationDriver()
    for day, bound in enumerate(of_days, start=1):
        assert guess_for_a_day(driver, networks) <= bound, day
    # What is stored does not grow.
    assert len(driver.verification.deliveries.all) <= 12


@pytest.mark.slow
def test_each_login_of_the_owner_brings_strangers_fifty_guesses() -> None:
    driver = VerificationDriver()
    driver.log_in(HOME_IP)
    assert guess_for_a_day(driver, 2, logins_of_owner=3) <= 50 * 4 + 2 * 12


@pytest.mark.slow
def test_verifications_between_logins_bring_strangers_no_more_than_logins() -> None:
    driver = VerificationDriver()
    driver.log_in(HOME_IP)
    for _ in range(9):
        guesses = guess_for_a_day(driver, 2, logins_of_owner=3, token_id=TOKEN)
        assert guesses <= 50 * 4 + 2 * 12


def test_a_right_code_of_a_verification_ends_the_failures_of_its_token_only() -> None:
    driver = VerificationDriver()
    driver.fail_in_a_row(40)
    for token_id in (TOKEN, "another"):
        driver.token_id = token_id
        decision = driver.deliver()
        assert driver.fail(2, request_id=decision.request_id) == [4, 3]
    assert driver.verification.failures.in_a_row == 44
    driver.token_id = TOKEN
    decision = driver.deliver()
    assert driver.accepts(code_of(decision.challenge), request_id=decision.request_id)
    assert driver.verification.failures.in_a_row == 42
    assert [each.client_id for each in driver.verification.failures.by_token] == ["another"]


def test_after_the_wait_a_token_still_ends_no_failures_of_others() -> None:
    driver = VerificationDriver(token_id=TOKEN)
    driver.fail_in_a_row(98)
    decision = driver.deliver()
    failures = driver.verification.failures
    for _ in range(2):
        failures = failures.count_of_token(TOKEN, driver.now)
    driver.verification = replace(driver.verification, failures=failures)
    driver.wait(DAY)
    decision = driver.deliver()
    assert driver.accepts(code_of(decision.challenge), request_id=decision.request_id)
    assert driver.verification.failures.in_a_row == 90


def test_two_messages_bring_66_chances_where_guesses_without_an_id_are_at_two_codes() -> None:
    driver = VerificationDriver()
    first = [(unknown_ip(number), driver.request(unknown_ip(number))) for number in range(4)]
    driver.wait(250)
    second = [(unknown_ip(number), driver.request(unknown_ip(number))) for number in range(4, 8)]
    chances = 0
    for client_ip, decision in (*first, *second):
        for request_id in (decision.request_id, None):
            while (check := driver.check(client_ip=client_ip, request_id=request_id)).left:
                chances += len(driver.verification.find_candidates(check.attempt))
                driver.fail(1, client_ip, request_id)
    assert driver.verification.failures.in_a_row == 2 * 22
    assert chances == 2 * (11 + 2 * 11)
