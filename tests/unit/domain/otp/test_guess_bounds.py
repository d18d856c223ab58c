"""How many guesses strangers have at one phone, and at random phones, whatever they do.

They ask from each network whenever they may, and use up all attempts with ids and without.
"""

from contextlib import suppress

import pytest

from domain.errors import TooManyAttempts, TooManyOtpRequests
from tests.unit.domain.otp.verification_driver import (
    DAY,
    HOME_IP,
    VerificationDriver,
    code_of,
    unknown_ip,
)


def guess(driver: VerificationDriver, client_ip: str, request_id: str | None = None) -> None:
    """Guess until an attempt is not looked at."""
    with suppress(TooManyAttempts):
        while driver.verification.find_comparable(driver.check().attempt):
            before = driver.verification
            driver.fail(1, client_ip, request_id)
            if driver.verification is before:
                return


def guess_for_a_day(driver: VerificationDriver, networks: int, *, logins_of_owner: int = 0) -> int:
    """Return how many guesses strangers of so many networks had in a day."""
    begin, guesses = driver.now, 0
    login_times = [DAY * number // max(1, logins_of_owner) for number in range(logins_of_owner)]
    while (elapsed := (driver.now - begin).total_seconds()) < DAY:
        before = driver.verification.prune(driver.now).failures.in_a_row
        for number in range(networks):
            ids = []
            for _ in range(4):
                with suppress(TooManyOtpRequests):
                    ids.append(driver.request(unknown_ip(number)).request_id)
            for request_id in (*ids, None):
                guess(driver, unknown_ip(number), request_id)
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


def test_a_message_brings_twenty_two_guesses(driver: VerificationDriver) -> None:
    clients = [unknown_ip(number) for number in range(4)]
    ids = [(client_ip, driver.request(client_ip).request_id) for client_ip in clients]
    for client_ip, request_id in ids:
        guess(driver, client_ip, request_id)
        guess(driver, client_ip)
    assert driver.verification.failures.in_a_row == 5 + 5 + 3 * (2 + 2)


def test_two_messages_bring_66_chances_where_guesses_without_an_id_are_at_two_codes(
    driver: VerificationDriver,
) -> None:
    first = [(unknown_ip(number), driver.request(unknown_ip(number))) for number in range(4)]
    driver.wait(250)
    second = [(unknown_ip(number), driver.request(unknown_ip(number))) for number in range(4, 8)]
    chances = 0
    for client_ip, decision in (*first, *second):
        for request_id in (decision.request_id, None):
            while (check := driver.check(client_ip=client_ip, request_id=request_id)).left:
                chances += len(driver.verification.find_comparable(check.attempt))
                driver.fail(1, client_ip, request_id)
    assert driver.verification.failures.in_a_row == 2 * 22
    assert chances == 2 * (11 + 2 * 11)
