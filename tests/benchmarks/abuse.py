"""What abuse achieves: how many guesses are checked and how many messages are sent.

The rules are those of the domain. This measures that they hold over a real database under
concurrency, and simulates attacks in memory with a moving clock, so that a day takes seconds.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from application.identities.login import LoggedIn
from application.otp.request_otp import RequestOtpResult
from domain.errors import RateLimitExceeded
from tests.benchmarks.abuse_page import render, write_page
from tests.benchmarks.callbacks import CALLBACK_ATTACKS, forge_callbacks
from tests.benchmarks.calls import forge_calls
from tests.benchmarks.databases import open_databases, open_repositories
from tests.benchmarks.flood_plans import FLOODS
from tests.benchmarks.floods import flood, guess_everywhere
from tests.benchmarks.owners import CROWDS, attack_one_phone
from tests.benchmarks.simulation import Owner
from tests.stateful.http_driver import without_logs
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone
from tests.support.core_harness import wrong_code
from tests.support.http_app import open_http_client

OWNER_IP: Final = "203.0.113.7"
GUESSING_SITES: Final = ((1, 1), (10, 1), (34_000, 1), (20, 50))
"""Numbers of sites, and of the IPs of each."""
FORGED_NUMBERS: Final = (10, 110)

T = TypeVar("T")
Scenario = Callable[[AppHarness], Awaitable[str]]


async def measure_abuse(folder: Path) -> None:
    """Print what happens at once over real databases, then simulate, and write the figures.

    Raises:
        SystemExit: the page would not be true.
    """
    with open_databases(folder) as databases, without_logs():
        for name, create_database in databases.items():
            for title, scenario in SCENARIOS.items():
                with create_database() as url:
                    async with open_repositories(url) as repositories:
                        harness = AppHarness(repositories=repositories)
                        result = await scenario(harness)
                messages = len(harness.messenger.messages)
                print(f"{name:<8}{title:<52}{result}; messages {messages}")
    started_at = time.perf_counter()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        floods = [_start(pool, flood, plan) for plan in reversed(FLOODS)]  # the longest ones first
        guessers = [_start(pool, guess_everywhere, *sites) for sites in GUESSING_SITES]
        owners = [
            _start(pool, attack_one_phone, kind, ips, in_bursts=in_bursts)
            for kind in Owner
            for ips in CROWDS
            for in_bursts in (False, True)
        ]
        calls = [_start(pool, forge_calls, numbers) for numbers in FORGED_NUMBERS]
        callbacks = [_start(pool, forge_callbacks, attack) for attack in CALLBACK_ATTACKS]
        owner_results = await asyncio.gather(*owners)
        flood_results = await asyncio.gather(*reversed(floods))
        guess_results = await asyncio.gather(*guessers)
        call_results = await asyncio.gather(*calls)
        callback_results = await asyncio.gather(*callbacks)
    page = render(owner_results, flood_results, guess_results, call_results, callback_results)
    print(f"\n{page}\nsimulated in {time.perf_counter() - started_at:.0f} s")
    write_page(page)
    if violations := [
        violation
        for results in (
            owner_results,
            flood_results,
            guess_results,
            call_results,
            callback_results,
        )
        for result in results
        for violation in result.violations
    ]:
        raise SystemExit("\n".join(["Not as the page says:", *violations]))


def _start(
    pool: ProcessPoolExecutor,
    scenario: Callable[..., Coroutine[Any, Any, T]],
    *args: object,
    **kwargs: object,
) -> asyncio.Future[T]:
    """Simulate a scenario in another process."""
    call = partial(_simulate, scenario, *args, **kwargs)
    return asyncio.get_running_loop().run_in_executor(pool, call)


def _simulate(scenario: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
    return asyncio.run(scenario(*args, **kwargs))


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


async def concurrent_requests(harness: AppHarness) -> str:
    """Request codes for one phone from many IPs."""
    results = await _gather(
        harness.request_otp(client_ip=f"192.0.2.{number % 200}") for number in range(1000)
    )
    sent = sum(isinstance(result, RequestOtpResult) and result.sent for result in results)
    return f"sent {sent}, rejected {_count_rejected(results)}"


async def strangers_at_one_phone(harness: AppHarness) -> str:
    """Run a scenario of the simulation, which has the same result as in memory."""
    results = [
        await attack_one_phone(
            Owner.REQUEST_ID_AT_KNOWN_IP, 10, in_bursts=True, logins=1, repositories=repositories
        )
        for repositories in (harness.repositories, None)
    ]
    assert results[0] == results[1], results
    return f"served {results[0].served} of 1, as in memory"


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
    "1,000 requests for one phone from 200 IPs at once": concurrent_requests,
    "strangers with 10 IPs attack a phone for six hours": strangers_at_one_phone,
}
