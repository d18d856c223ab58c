"""Whether the time of a response reveals that a number is known or blocked."""

import asyncio
import json
import math
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast

from application.identities.login import LoggedIn
from application.otp.feature import OtpFeature
from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import VerifyOtpCommand
from application.use_cases import UseCases
from domain.otp.challenge import parse_otp_code
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber
from entrypoints.bootstrap import open_use_cases
from entrypoints.settings.read import read_settings
from tests.benchmarks.databases import open_databases
from tests.benchmarks.load import UNLIMITED, client_ip, encode_request, read_response
from tests.stateful.http_driver import without_logs
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import FakeMessenger
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.http_server import Exchange
from tests.support.service import Service, running

REQUESTS: Final = 500
"""For each kind of phone."""
CONNECTIONS: Final = 4
PROVIDER_SECONDS: Final = 0.02
KINDS: Final = ("unknown", "known", "blocked")

_LOGINS_TOGETHER: Final = 32
_MESSENGER: Final = FakeMessenger()

PhonesByKind = Mapping[str, Sequence[PhoneNumber]]


@dataclass(frozen=True, slots=True)
class TimedRequest:
    """A request, and the kind of its phone."""

    kind: str
    content: bytes


def _respond_later(exchange: Exchange) -> None:
    exchange.wait(PROVIDER_SECONDS)
    cast("FakeTwilio", exchange.server).respond(exchange)


async def measure_timing(folder: Path) -> None:
    """Print the times for phones of each kind, and the differences, over both databases."""
    print(
        f"{REQUESTS} requests for each kind of phone, in random order, {CONNECTIONS} at once; "
        f"the provider takes {PROVIDER_SECONDS * 1000:.0f} ms"
    )
    with open_databases(folder) as databases, FakeTwilio() as twilio:
        twilio.behavior = _respond_later
        for name, create_database in databases.items():
            with create_database() as url:
                environ = {
                    **UNLIMITED,
                    **twilio.environ,
                    "DIALTONE_DATABASE": url,
                    "DIALTONE_SMS": "twilio",
                    "DIALTONE_COUNTRIES": "*",
                    "DIALTONE_LOG_LEVEL": "warning",
                }
                service_folder = folder / name
                service_folder.mkdir()
                earlier = len(twilio.messages)
                blocked = await _measure_database(name, service_folder, environ)
                # Otherwise the blocked phones were not blocked.
                assert not {message["To"] for message in twilio.messages[earlier:]} & blocked


async def _measure_database(database: str, folder: Path, environ: Mapping[str, str]) -> set[str]:
    """Measure with one database and return the blocked numbers."""
    phones = _random_phones()
    requested, not_requested = (
        {kind: [next(phones) for _ in range(REQUESTS)] for kind in KINDS} for _ in range(2)
    )
    known, blocked = ([*requested[kind], *not_requested[kind]] for kind in ("known", "blocked"))
    await _log_in_and_block(Service(folder, environ).environ, known, blocked)
    with running(folder, environ) as service:
        for title, path, code, phones_by_kind in (
            ("request-otp", "/auth/request-otp", None, requested),
            ("verify-otp after a request", "/auth/verify-otp", "000000", requested),
            ("verify-otp without a request", "/auth/verify-otp", "000000", not_requested),
        ):
            requests = [*_make_requests(path, code, phones_by_kind)]
            random.shuffle(requests)
            _print_times(f"{database}, {title}", await _send(service.port, requests))
    return {phone.e164 for phone in blocked}


def _random_phones() -> Iterator[PhoneNumber]:
    numbers = random.sample(range(2_000_000, 9_999_999), 2 * len(KINDS) * REQUESTS)
    return (PhoneNumber(f"+1206{number}") for number in numbers)


def _make_requests(
    path: str, code: str | None, phones_by_kind: PhonesByKind
) -> Iterator[TimedRequest]:
    for kind, phones in phones_by_kind.items():
        for number, phone in enumerate(phones):
            body = {"phone": phone.e164} if code is None else {"phone": phone.e164, "otp": code}
            content = encode_request(
                "POST", path, body=json.dumps(body), client_ip=client_ip(number)
            )
            yield TimedRequest(kind, content)


async def _send(port: int, requests: Sequence[TimedRequest]) -> Mapping[str, Sequence[float]]:
    """Return the times of the responses in ms by kind."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    queue = iter(requests)

    async def send_requests() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in queue:
            sent_at = time.perf_counter()
            writer.write(request.content)
            status, body = await read_response(reader)
            times[request.kind].append((time.perf_counter() - sent_at) * 1000)
            assert status == 200, body
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(send_requests() for _ in range(CONNECTIONS)))
    return times


def _print_times(title: str, times: Mapping[str, Sequence[float]]) -> None:
    print(f"{title:<44}{'p50 ms':>8}{'p90 ms':>8}  difference in ms (99 % interval)")
    base, *others = KINDS
    for kind in KINDS:
        ordered = sorted(times[kind])
        p50, p90 = ordered[REQUESTS // 2], ordered[REQUESTS * 9 // 10]
        line = f"  {kind:<42}{p50:>8.2f}{p90:>8.2f}"
        if kind in others:
            shift = estimate_shift(times[kind], times[base])
            finding = "significant" if shift.is_significant else "not significant"
            line += (
                f"  {shift.estimate:+.2f} ({shift.low:+.2f} to {shift.high:+.2f}): {finding}; "
                f"{shift.detectable:.2f} is detectable"
            )
        print(line)


# Phones with a history


@asynccontextmanager
async def open_messenger(*, environ: Mapping[str, str]) -> AsyncIterator[FakeMessenger]:
    """Open the messenger for the logins before the service starts: `DIALTONE_SMS` names it."""
    yield _MESSENGER


async def _log_in_and_block(
    environ: Mapping[str, str], known: Sequence[PhoneNumber], blocked: Sequence[PhoneNumber]
) -> None:
    """Log in with all these phones two days ago, and block some of them."""
    messenger = f"{__name__}:{open_messenger.__name__}"
    settings = read_settings({**environ, "DIALTONE_SMS": messenger}, None)
    clock = MovableClock(datetime.now(UTC) - timedelta(days=2))
    _MESSENGER.messages.clear()
    with without_logs():
        async with open_use_cases(settings, clock=clock) as use_cases:
            phones = [*known, *blocked]
            for first in range(0, len(phones), _LOGINS_TOGETHER):
                batch = phones[first : first + _LOGINS_TOGETHER]
                await asyncio.gather(*(_log_in(use_cases, phone, first) for phone in batch))
            for phone in blocked:
                await use_cases.identities.operator_actions.block(phone)


async def _log_in(use_cases: UseCases, phone: PhoneNumber, number: int) -> None:
    from_ip = client_ip(number)
    await use_cases.of(OtpFeature).request_otp(RequestOtpCommand(phone, from_ip, Channel.SMS))
    latest = reversed(_MESSENGER.messages[-_LOGINS_TOGETHER:])
    [code] = [message.code for message in latest if message.phone == phone]
    result = await use_cases.of(OtpFeature).verify_otp(
        VerifyOtpCommand(phone, parse_otp_code(code), from_ip)
    )
    assert isinstance(result, LoggedIn)


# Statistics

_QUANTILE_99: Final = 2.576
"""Quantile of the normal distribution for two-sided intervals of 99 %."""
_QUANTILE_POWER: Final = 0.842
"""Quantile for a power of 80 %."""


@dataclass(frozen=True, slots=True)
class Shift:
    """The Hodges-Lehmann estimate with its confidence interval of 99 %."""

    estimate: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """Whether the interval excludes zero."""
        return not self.low <= 0 <= self.high

    @property
    def detectable(self) -> float:
        """The smallest true shift that four of five such measurements would detect."""
        return (self.high - self.low) / 2 * (1 + _QUANTILE_POWER / _QUANTILE_99)


def estimate_shift(sample: Sequence[float], base: Sequence[float]) -> Shift:
    """Return the median of all differences, with the interval of the Mann-Whitney test.

    It does not assume a normal distribution, and a few outliers change it little.
    """
    differences = sorted(value - base_value for value in sample for base_value in base)
    pairs = len(differences)
    deviation = math.sqrt(pairs * (len(sample) + len(base) + 1) / 12)
    lowest = max(0, int(pairs / 2 - _QUANTILE_99 * deviation))
    return Shift(differences[pairs // 2], differences[lowest], differences[pairs - 1 - lowest])
