"""Parallel requests and attempts: limits hold, and a code is used once."""

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from application.otp.verify_otp import LoggedIn, OtpRejected
from application.wiring import Policy
from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.rate_limits import RateLimits
from domain.otp.request_id import parse_request_id
from domain.otp.sliding_window import SlidingWindow
from tests.support.app_harness import AppHarness, wrong_code
from tests.support.builders import CLIENT_IP, a_phone
from tests.support.fakes.messenger import REJECTED, UNKNOWN

HUNDRED_IPS = [f"ip {number}" for number in range(100)]

# Requests


async def request_otps(app: AppHarness, client_ips: list[str]) -> Counter[str]:
    """Request a code from all IPs at the same time, and count the results."""
    requests = (app.request_otp(client_ip=client_ip) for client_ip in client_ips)
    counts: Counter[str] = Counter()
    for result in await asyncio.gather(*requests, return_exceptions=True):
        if isinstance(result, TooManyOtpRequests):
            counts["rejected"] += 1
        elif isinstance(result, BaseException):
            raise result
        else:
            counts["sent" if result.sent else "within cooldown"] += 1
    return counts


@pytest.mark.parametrize("client_ips", [["203.0.113.7"] * 100, HUNDRED_IPS])
async def test_parallel_requests_send_one_message(app: AppHarness, client_ips: list[str]) -> None:
    counts = await request_otps(app, client_ips)
    assert counts == {"sent": 1, "within cooldown": 3, "rejected": 96}
    assert len(app.messenger.messages) == 1


@pytest.mark.parametrize(
    "operation",
    ["phone_verifications.load", "rate_limiter.next_available", "phone_verifications.replace"],
)
async def test_a_login_during_a_request_within_the_cooldown_lets_it_deliver(
    app: AppHarness, operation: str
) -> None:
    await app.request_otp()
    app.faults.run_before(operation, partial(app.verify_otp, app.last_code))
    result = await app.request_otp()
    assert app.faults.has_fired
    assert (result.sent, len(app.messenger.messages)) == (True, 2)


@pytest.mark.parametrize(
    "operation",
    ["phone_verifications.load", "rate_limiter.next_available", "rate_limiter.acquire"],
)
async def test_of_two_requests_for_the_last_permit_the_other_refers_to_its_delivery(
    operation: str,
) -> None:
    limits = RateLimits(per_ip=SlidingWindow(1, timedelta(hours=1)))
    app = AppHarness(policy=Policy(rate_limits=limits))
    app.faults.run_before(operation, app.request_otp)
    result = await app.request_otp()
    assert app.faults.has_fired
    assert len(app.messenger.messages) == 1
    assert isinstance(await app.verify_otp(app.last_code, request_id=result.request_id), LoggedIn)


async def test_the_cooldown_starts_when_the_request_arrives(app: AppHarness) -> None:
    app.messenger.gate = asyncio.Event()
    first = asyncio.create_task(app.request_otp())
    await app.messenger.arrived.wait()
    app.advance(10)
    again = await app.request_otp()
    app.messenger.gate.set()
    result = await first
    assert (again.sent, again.request_id != result.request_id) == (False, True)
    assert (result.resend_in, result.expires_in) == (5, 290)
    app.advance(5)
    assert (await app.request_otp()).sent


async def test_a_message_rejected_late_keeps_a_delivery_made_in_the_meantime(
    app: AppHarness,
) -> None:
    app.messenger.gate = gate = asyncio.Event()
    app.messenger.result = REJECTED
    first = asyncio.create_task(app.request_otp())
    await app.messenger.arrived.wait()
    app.advance(15)
    app.messenger.gate, app.messenger.result = None, UNKNOWN
    second = await app.request_otp()
    app.messenger.result = REJECTED
    gate.set()
    await asyncio.gather(first, return_exceptions=True)
    (delivery,) = app.database.phone_verifications[a_phone()].value.deliveries
    assert delivery.request_id == parse_request_id(second.request_id)
    assert isinstance(await app.verify_otp(app.last_code), LoggedIn)


# Attempts


async def verify_in_parallel(
    app: AppHarness,
    codes: list[str],
    *,
    client_ips: list[str] | None = None,
    request_id: str | None = None,
) -> tuple[int, list[int], int]:
    """Verify a hundred codes at the same time.

    Returns:
        How many logged in, the attempts left of those that did not, and how many were not checked.
    """
    results = await asyncio.gather(
        *(
            app.verify_otp(code, client_ip=client_ip, request_id=request_id)
            for code, client_ip in zip(codes, client_ips or [CLIENT_IP] * 100, strict=True)
        ),
        return_exceptions=True,
    )
    logged_in = sum(isinstance(result, LoggedIn) for result in results)
    attempts_left = [result.attempts_left for result in results if isinstance(result, OtpRejected)]
    unchecked = sum(isinstance(result, TooManyAttempts) for result in results)
    assert logged_in + len(attempts_left) + unchecked == len(results)
    return logged_in, sorted(attempts_left, reverse=True), unchecked


def wrong_codes(app: AppHarness) -> list[str]:
    """Return a hundred different wrong codes."""
    return [wrong_code(app.last_code, number) for number in range(1, 101)]


@pytest.mark.parametrize("client_ips", [None, HUNDRED_IPS], ids=["one ip", "many ips"])
async def test_of_parallel_correct_attempts_one_logs_in(
    app: AppHarness, client_ips: list[str] | None
) -> None:
    await app.request_otp()
    codes = [app.last_code] * 100
    logged_in, attempts_left, _ = await verify_in_parallel(app, codes, client_ips=client_ips)
    # The others sent the code that was just used: nothing was counted.
    assert (logged_in, attempts_left) == (1, [4] * 99)
    (identity,) = app.database.identities.values()
    assert len(identity.value.sessions) == 1


async def test_of_parallel_wrong_codes_as_many_as_allowed_are_checked(app: AppHarness) -> None:
    request = await app.request_otp()
    counts = await verify_in_parallel(app, wrong_codes(app), request_id=request.request_id)
    assert counts == (0, [4, 3, 2, 1, 0], 95)
    counts = await verify_in_parallel(app, wrong_codes(app), client_ips=HUNDRED_IPS)
    assert (counts[0], len(counts[1]), counts[2]) == (0, 45, 55)  # fifty failures in all
    app.advance(minutes=5)  # without a challenge
    counts = await verify_in_parallel(app, wrong_codes(app))
    assert (counts[0], len(counts[1]), counts[2]) == (0, 5, 95)
