"""Parallel requests never exceed a limit, on all databases."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from application.otp.log_in import LoggedIn, OtpRejected
from application.otp.request_otp import RequestOtpResult
from domain.errors import TooManyAttempts, TooManyOtpRequests
from domain.otp.rate_limits import RateLimits
from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber, parse_phone
from tests.support.app_harness import AppHarness, make_policy
from tests.support.core_harness import wrong_code
from tests.support.repositories import OpenRepositories

HOUR = timedelta(hours=1)
PARALLEL = 12


def phone(number: int) -> PhoneNumber:
    """Return a number in a range of its own."""
    return parse_phone(f"+1415{200 + number}2000", None)


async def request_all(app: AppHarness, *requests: tuple[PhoneNumber, str]) -> Counter[object]:
    """Request codes in parallel; count whether a message was sent, and the errors."""
    results = await asyncio.gather(
        *(app.request_otp(phone, client_ip) for phone, client_ip in requests),
        return_exceptions=True,
    )
    return Counter(
        result.sent if isinstance(result, RequestOtpResult) else type(result) for result in results
    )


async def test_parallel_requests_for_one_phone_deliver_one_message_and_release_their_permits(
    repositories: OpenRepositories,
) -> None:
    large = SlidingWindow(10_000, HOUR)
    of_ip = SlidingWindow(PARALLEL, HOUR)
    limits = replace(RateLimits(), per_ip=of_ip, per_country=large, total=large)
    app = AppHarness(repositories=repositories, policy=make_policy(rate_limits=limits))

    statuses = await request_all(app, *((phone(1), "203.0.113.7") for _ in range(PARALLEL)))
    assert statuses == {True: 1, False: 3, TooManyOtpRequests: PARALLEL - 4}

    statuses = await request_all(
        app, *((phone(2 + number), "203.0.113.7") for number in range(PARALLEL))
    )

    assert statuses == {True: PARALLEL - 1, TooManyOtpRequests: 1}


@pytest.mark.parametrize("has_id", [True, False])
async def test_parallel_correct_verifications_open_one_session(
    repositories: OpenRepositories, has_id: bool
) -> None:
    app = AppHarness(repositories=repositories)
    sent = await app.request_otp(phone(1))
    code = app.messenger.messages[0].code
    request_id = sent.request_id if has_id else None

    results = await asyncio.gather(
        *(app.verify_otp(code, phone(1), request_id=request_id) for _ in range(PARALLEL)),
        return_exceptions=True,
    )

    # All others repeat the login.
    logins = [result for result in results if isinstance(result, LoggedIn)]
    assert len(logins) == (PARALLEL if has_id else 1)
    principals = [await app.identities.authenticate(login.tokens.access_token) for login in logins]
    assert len({principal.session.id for principal in principals}) == 1
    assert len({login.device_token for login in logins}) == 1
    assert len(principals[-1].identity.sessions) == 1


@pytest.mark.parametrize("has_id", [True, False])
async def test_of_parallel_wrong_codes_five_of_a_client_are_checked(
    repositories: OpenRepositories, has_id: bool
) -> None:
    app = AppHarness(repositories=repositories)
    # From another network: without an id all others are one client.
    sent = await app.request_otp(phone(1), "192.0.2.1")

    results = await asyncio.gather(
        *(
            app.verify_otp(
                wrong_code(app.last_code, number),
                phone(1),
                f"203.0.{number}.1",
                request_id=sent.request_id if has_id else None,
            )
            for number in range(1, PARALLEL + 1)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(result, OtpRejected) for result in results) == 5
    assert sum(isinstance(result, TooManyAttempts) for result in results) == PARALLEL - 5
