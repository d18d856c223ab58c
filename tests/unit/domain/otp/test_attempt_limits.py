"""The limits of one attempt: on which counters it counts, and how much is left of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.attempt_limits import AttemptLimits
from domain.otp.attempts import OtpAttempt
from domain.otp.challenge import OtpCode
from domain.otp.phone_verification import PhoneVerification
from tests.support.builders import CLIENT_IP, NOW, a_challenge, a_delivery, a_hashed_ip
from tests.unit.domain.otp.verification_driver import WORK_IP, WRONG_CODE

SECOND = timedelta(seconds=1)


def an_attempt(client_ip: str = WORK_IP, **changes: Any) -> OtpAttempt:
    """Return an attempt without a request id."""
    return OtpAttempt(
        code=OtpCode(WRONG_CODE), client_ip=a_hashed_ip(client_ip), now=NOW, **changes
    )


def limits_of(
    attempt: OtpAttempt,
    device_id: str | None = None,
    trusted_until: datetime | None = None,
    **changes: Any,
) -> AttemptLimits:
    """Return the limits of an attempt after one delivery."""
    state = PhoneVerification(challenges=(a_challenge(),), deliveries=(a_delivery(),))
    return AttemptLimits(attempt, replace(state, **changes), device_id, trusted_until)


def attempts_left(limits: AttemptLimits, time: datetime = NOW) -> int:
    """Return how many attempts are left at the delivery that the attempt counts on."""
    delivery = limits.delivery(time)
    assert delivery is not None
    return limits.attempts_left(delivery, time)


@pytest.mark.parametrize(
    ("client_ip", "request_id", "device_id", "counters"),
    [
        (CLIENT_IP, "a-request", None, [("first_request", "a-request")]),
        (CLIENT_IP, None, None, [("ip", a_hashed_ip(CLIENT_IP).ip)]),
        (WORK_IP, None, None, [("unknown_ip", a_hashed_ip(WORK_IP).ip)]),
        (WORK_IP, "unknown", None, [("unknown_ip", a_hashed_ip(WORK_IP).ip)]),
        (CLIENT_IP, None, "one", [("device", "one")]),
        (WORK_IP, "a-request", "one", [("first_request", "a-request"), ("device", "one")]),
    ],
)
def test_an_attempt_counts_on_id_and_device_or_else_on_the_ip(
    client_ip: str, request_id: str | None, device_id: str | None, counters: list[tuple[str, str]]
) -> None:
    limits = limits_of(an_attempt(client_ip, request_id=request_id), device_id=device_id)
    delivery = a_delivery()
    counted = limits.count(delivery, limits.counters(delivery), "digest").counters
    assert [(counter.kind, counter.id) for counter in counted] == counters
    assert all((counter.limit, counter.used) == (5, 1) for counter in counted)


def test_a_correct_code_leaves_whose_counter_it_is_and_its_limit() -> None:
    counter = AttemptCounter(CounterKind.IP, "an-ip", 2)
    assert counter.count("a-digest", NOW).reset() == counter


def test_an_attempt_of_a_device_counts_at_the_latest_delivery_unless_an_id_names_another() -> None:
    first, latest = a_delivery(), a_delivery(request_id="latest", client_ip=a_hashed_ip(WORK_IP))
    for request_id, delivery in ((None, latest), ("unknown", latest), ("a-request", first)):
        attempt = an_attempt(CLIENT_IP, request_id=request_id)
        limits = limits_of(attempt, deliveries=(first, latest), device_id="one")
        assert limits.delivery(NOW) == delivery


def test_nothing_counts_without_an_active_challenge_or_without_its_delivery() -> None:
    used = a_challenge().mark_used(NOW)
    assert limits_of(an_attempt(), challenges=(used,)).delivery(NOW) is None
    assert limits_of(an_attempt(), deliveries=()).delivery(NOW) is None


def test_the_digest_of_a_code_depends_on_key_code_and_delivery() -> None:
    attempts = [
        an_attempt(digest_key=b"one"),
        an_attempt(digest_key=b"two"),
        OtpAttempt(code=OtpCode("000001"), client_ip=a_hashed_ip(), now=NOW, digest_key=b"one"),
    ]
    digests = {attempt.digest(delivery) for attempt in attempts for delivery in ("", "a-request")}
    assert len(digests) == 6
    assert {len(digest) for digest in digests} == {32}


def test_unknown_ips_share_fifteen_attempts_an_hour_and_thirty_a_day() -> None:
    hour, day = [NOW - timedelta(hours=1)] * 15, [NOW - timedelta(days=1)] * 15
    for shared_attempts, left in (
        (hour, 15),
        ([time + SECOND for time in hour], 0),
        (hour + day, 15),
        (hour + [time + SECOND for time in day], 0),
    ):
        limits = limits_of(an_attempt(), shared_attempts=shared_attempts)
        assert limits.shared_attempts_left(NOW) == left


def test_an_unknown_ip_has_a_first_attempt_and_waits_for_shared_ones_after_it() -> None:
    shared = [NOW - timedelta(minutes=58)] * 15
    limits = limits_of(an_attempt(), shared_attempts=shared)
    assert attempts_left(limits) == 1
    delivery = a_delivery()
    for _ in range(4):
        delivery = limits.count(delivery, limits.counters(delivery), "digest")
    waiting = limits_of(limits.attempt, deliveries=(delivery,), shared_attempts=shared)
    assert attempts_left(waiting) == 0
    assert waiting.next_attempt_at() == shared[0] + timedelta(hours=1)


def test_under_attack_an_ip_is_known_until_its_last_login_is_ninety_days_old() -> None:
    limits = limits_of(an_attempt(is_limited=True), trusted_until=NOW + SECOND)
    assert attempts_left(limits) == 5
    assert attempts_left(limits, NOW + SECOND) == 0
