"""What abuse achieves: how many guesses are checked and how many messages are sent.

The rules are those of the domain. This measures that they hold over a real database under
concurrency. The clock is simulated, so a day takes seconds.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import httpx

from application.otp.request_otp import RequestOtpResult
from application.otp.verify_otp import LoggedIn, OtpRejected
from domain.errors import RateLimitExceeded
from domain.phone import parse_phone
from tests.benchmarks.databases import open_databases, open_repositories
from tests.stateful.http_driver import open_http_client, without_logs
from tests.support.app_harness import AppHarness, wrong_code
from tests.support.builders import a_phone

DAY: Final = 24 * 3600
GUESSES: Final = 10_000
CONCURRENT_GUESSES: Final = 10
CONCURRENT_REQUESTS: Final = 50
OWNER_IP: Final = "203.0.113.7"

T = TypeVar("T")
Scenario = Callable[[AppHarness], Awaitable[str]]


async def measure_abuse(folder: Path) -> None:
    """Print a line for each scenario over both databases, each over an empty one."""
    with open_databases(folder) as databases, without_logs():
        for name, create_database in databases.items():
            for title, scenario in SCENARIOS.items():
                with create_database() as url:
                    async with open_repositories(url) as repositories:
                        harness = AppHarness(repositories=repositories)
                        result = await scenario(harness)
                messages = len(harness.messenger.messages)
                print(f"{name:<8}{title:<52}{result}; messages {messages}")


async def concurrent_guesses(harness: AppHarness) -> str:
    """Guess over HTTP: a third with the request id, without one, and with the legacy API."""
    request = await harness.request_otp(client_ip=OWNER_IP)
    code = wrong_code(harness.last_code)
    return await _verify_concurrently(harness, code, request.request_id, 102)


async def concurrent_correct_codes(harness: AppHarness) -> str:
    """Send the correct code in the same ways."""
    request = await harness.request_otp(client_ip=OWNER_IP)
    code = harness.last_code
    return await _verify_concurrently(harness, code, request.request_id, 51)


async def concurrent_refreshes(harness: AppHarness) -> str:
    """Refresh with one token, then with its successor."""
    await harness.request_otp(client_ip=OWNER_IP)
    code = harness.last_code
    result = await harness.verify_otp(code, client_ip=OWNER_IP, with_refresh=True)
    assert isinstance(result, LoggedIn)
    token = result.tokens.refresh_token
    rounds = []
    async with open_http_client(harness.use_cases) as http:
        for _ in range(2):
            responses = await asyncio.gather(
                *(http.post("/auth/refresh", json={"refresh_token": token}) for _ in range(50))
            )
            tokens = {response.json().get("refresh_token") for response in responses}
            statuses = _count(str(response.status_code) for response in responses)
            rounds.append(f"{statuses}, refresh tokens {len(tokens)}")
            token = next(iter(tokens))
    return "; ".join(rounds)


async def guesses_all_day(harness: AppHarness) -> str:
    """Guess with the latest request id, none (as the legacy API does) or a wrong one."""
    results: list[OtpRejected | LoggedIn | BaseException] = []
    request_id = ""
    for first in range(0, GUESSES, CONCURRENT_GUESSES):
        harness.advance(DAY / GUESSES * CONCURRENT_GUESSES)
        with suppress(RateLimitExceeded):
            request = await harness.request_otp(client_ip=_attacker_ip(first % 1300))
            request_id = request.request_id
        results += await _gather(
            harness.verify_otp(
                "000000",
                client_ip=_attacker_ip(number % 1300),
                request_id=(request_id, None, "unknown")[number % 3],
            )
            for number in range(first, first + CONCURRENT_GUESSES)
        )
    rejected = _count_rejected(results)
    return f"checked {len(results) - rejected}, rejected {rejected}"


async def concurrent_requests(harness: AppHarness) -> str:
    """Request codes for one phone from many IPs."""
    results = await _gather(
        harness.request_otp(client_ip=f"192.0.2.{number % 200}") for number in range(1000)
    )
    sent = sum(isinstance(result, RequestOtpResult) and result.sent for result in results)
    return f"sent {sent}, rejected {_count_rejected(results)}"


async def attempts_used_up_all_day(harness: AppHarness) -> str:
    """Use up attempts while the owner logs in three times with an app that sends no id.

    The owner logged in from the same IP before, and waits as long as the responses say.
    """
    await _log_in_as_owner(harness)
    harness.advance(DAY)
    logins = checked = 0
    for hour in range(24):
        for number in range(40):
            attacker_ip = _attacker_ip(hour * 40 + number)
            with suppress(RateLimitExceeded):
                await harness.request_otp(client_ip=attacker_ip)
            with suppress(RateLimitExceeded):
                result = await harness.verify_otp("000000", client_ip=attacker_ip)
                checked += isinstance(result, OtpRejected)
            harness.advance(60)
        if hour % 8 == 7:
            logins += await _log_in_as_owner(harness)
        harness.advance(DAY / 24 - 40 * 60)
    return f"the owner logged in {logins} of 3 times, checked attempts of the attacker {checked}"


async def a_country_from_two_sites(harness: AppHarness) -> str:
    """Request codes for phones of one country from two IPv6 /48 with 1,000 networks each."""
    return await _flood(
        harness, (f"2001:db8:{number % 2:x}:{number:x}::/64" for number in range(2_000))
    )


async def a_country_from_17_ips(harness: AppHarness) -> str:
    """Request codes for phones of one country from 17 IPv4 addresses in one /24."""
    return await _flood(harness, (f"198.18.0.{number % 17}" for number in range(2_000)))


async def a_country_from_1000_networks(harness: AppHarness) -> str:
    """Request codes for phones of one country from 1,000 networks."""
    return await _flood(harness, map(_ipv4_network, range(2_000)))


async def one_block_of_numbers(harness: AppHarness) -> str:
    """Request codes for phones of one block of 10^5 numbers from 1,000 networks."""
    await _request_all(
        harness,
        (
            (f"+14155{500_000 + number * 97 % 100_000:06d}", _ipv4_network(number))
            for number in range(1_000)
        ),
    )
    return f"sent {len(harness.messenger.messages)}"


async def _flood(harness: AppHarness, client_ips: Iterable[str]) -> str:
    """Request codes from these IPs while a known owner signs in again."""
    await _log_in_as_owner(harness)
    harness.advance(DAY)
    before = len(harness.messenger.messages)
    await _request_all(
        harness,
        (
            (f"+1206{2_000_000 + number * 1_003:07d}", client_ip)
            for number, client_ip in enumerate(client_ips)
        ),
    )
    sent = len(harness.messenger.messages) - before
    is_served = not isinstance(
        (await _gather([harness.request_otp(client_ip=OWNER_IP)]))[0], BaseException
    )
    outcome = "served" if is_served else "rejected"
    return f"sent {sent}, a known owner is {outcome}"


async def _request_all(harness: AppHarness, requests: Iterable[tuple[str, str]]) -> None:
    """Request codes for these numbers from these IPs, some at once."""
    commands = [(parse_phone(number), client_ip) for number, client_ip in requests]
    for first in range(0, len(commands), CONCURRENT_REQUESTS):
        results = await _gather(
            harness.request_otp(phone, client_ip)
            for phone, client_ip in commands[first : first + CONCURRENT_REQUESTS]
        )
        assert all(isinstance(result, RequestOtpResult | RateLimitExceeded) for result in results)


def _ipv4_network(number: int) -> str:
    return f"198.{number // 250 % 4}.{number % 250}.1"


async def _log_in_as_owner(harness: AppHarness) -> bool:
    for _ in range(3):
        try:
            await harness.request_otp(client_ip=OWNER_IP)
            break
        except RateLimitExceeded as error:
            harness.advance(error.retry_after)
    result = await harness.verify_otp(harness.last_code, client_ip=OWNER_IP)
    return isinstance(result, LoggedIn)


async def _verify_concurrently(
    harness: AppHarness, code: str, request_id: str, requests: int
) -> str:
    phone = a_phone().e164
    kinds = (
        ("/auth/verify-otp", {"phone": phone, "otp": code, "request_id": request_id}),
        ("/auth/verify-otp", {"phone": phone, "otp": code}),
        ("/authenticate/validate_otp", {"phone": phone, "otp": code}),
    )
    async with open_http_client(harness.use_cases) as http:
        responses = await asyncio.gather(
            *(http.post(path, json=body) for path, body in kinds * (requests // len(kinds)))
        )
    return _count(_describe(response) for response in responses)


def _describe(response: httpx.Response) -> str:
    if "access_token" in response.json():
        return "logged in"
    return "wrong" if response.status_code in (200, 403) else str(response.status_code)


def _attacker_ip(number: int) -> str:
    return f"2001:db8:{number:x}::/64"


async def _gather(calls: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    return await asyncio.gather(*calls, return_exceptions=True)


def _count(values: Iterable[str]) -> str:
    return ", ".join(f"{value} {count}" for value, count in sorted(Counter(values).items()))


def _count_rejected(results: Iterable[object]) -> int:
    return sum(isinstance(result, RateLimitExceeded) for result in results)


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "102 guesses at once, both APIs": concurrent_guesses,
    "51 correct codes at once, both APIs": concurrent_correct_codes,
    "50 refreshes at once, twice": concurrent_refreshes,
    "10,000 guesses over a day from 1,300 IPs": guesses_all_day,
    "1,000 requests for one phone from 200 IPs at once": concurrent_requests,
    "an attacker uses up attempts all day": attempts_used_up_all_day,
    "2,000 requests for a country from two /48": a_country_from_two_sites,
    "2,000 requests for a country from 17 IPs": a_country_from_17_ips,
    "2,000 requests for a country from 1,000 networks": a_country_from_1000_networks,
    "1,000 requests for a block of 10^5 numbers": one_block_of_numbers,
}
