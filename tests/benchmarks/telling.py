"""Whether the time of an answer tells that a number is known or blocked."""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.phone import PhoneNumber
from tests.benchmarks.databases import databases
from tests.benchmarks.load import ROOMY, a_request, address_of, answer
from tests.benchmarks.phones import give_a_past
from tests.benchmarks.shift import shift
from tests.support.servers import behaviors
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.service import Service, running

CALLS: Final = 500
"""For each kind of phone."""
CALLERS: Final = 4
SENDER_TAKES: Final = 0.02
KINDS: Final = ("never seen", "signed in before", "blocked")

Pool = Mapping[str, Sequence[PhoneNumber]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and whose times its time is one of."""

    kind: str
    content: bytes


async def telling(folder: Path) -> None:
    """Print how long answers take for phones of each kind, and the differences, over both."""
    print(
        f"{CALLS} calls for each kind of phone, mixed at random, {CALLERS} at once; "
        f"the sender takes {SENDER_TAKES * 1000:.0f} ms"
    )
    with databases(folder) as found, FakeTwilio() as twilio:
        twilio.behavior = behaviors.delay(SENDER_TAKES, twilio.respond)
        for name, make in found.items():
            with make() as address:
                environ = {
                    **ROOMY,
                    **twilio.environ,
                    "DIALTONE_DATABASE": address,
                    "DIALTONE_SMS": "twilio",
                    "DIALTONE_COUNTRIES": "*",
                    "DIALTONE_LOG_LEVEL": "warning",
                }
                (place := folder / name).mkdir()
                blocked = await _measure(name, place, environ)
                # Else nothing was measured.
                assert not {one["To"] for one in twilio.messages} & blocked


async def _measure(database: str, folder: Path, environ: Mapping[str, str]) -> set[str]:
    """Measure; give the numbers that nothing may have been sent to."""
    phones = _phones()
    asking, silent = ({kind: [*_taken(phones)] for kind in KINDS} for _ in range(2))
    await give_a_past(
        Service(folder, environ).environ,
        *([*asking[kind], *silent[kind]] for kind in KINDS[1:]),
    )
    with running(folder, environ) as service:
        for what, path, code, pool in (
            ("request-otp", "/auth/request-otp", None, asking),
            ("verify-otp, asked just now", "/auth/verify-otp", "000000", asking),
            ("verify-otp, not asked", "/auth/verify-otp", "000000", silent),
        ):
            requests = [*_requests(path, code, pool)]
            random.shuffle(requests)
            _show(f"{database}, {what}", await _times(service.port, requests))
    return {phone.e164 for phone in asking["blocked"]}


def _phones() -> Iterator[PhoneNumber]:
    numbers = random.sample(range(2_000_000, 9_999_999), 2 * len(KINDS) * CALLS)
    return (PhoneNumber(f"+1206{number}") for number in numbers)


def _taken(phones: Iterator[PhoneNumber]) -> Iterator[PhoneNumber]:
    return (next(phones) for _ in range(CALLS))


def _requests(path: str, code: str | None, pool: Pool) -> Iterator[Request]:
    for kind, phones in pool.items():
        for number, phone in enumerate(phones):
            body = {"phone": phone.e164} if code is None else {"phone": phone.e164, "otp": code}
            yield Request(
                kind,
                a_request("POST", path, body=json.dumps(body), address=address_of(number)),
            )


async def _times(port: int, requests: Sequence[Request]) -> Mapping[str, Sequence[float]]:
    """How long each was waited for, in ms."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    waiting = iter(requests)

    async def call() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            before = time.perf_counter()
            writer.write(request.content)
            status, body = await answer(reader)
            times[request.kind].append((time.perf_counter() - before) * 1000)
            assert status == 200, body
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    return times


def _show(title: str, times: Mapping[str, Sequence[float]]) -> None:
    print(f"{title:<44}{'p50 ms':>8}{'p90 ms':>8}  difference in ms (99 % interval)")
    base, *others = KINDS
    for kind in KINDS:
        ordered = sorted(times[kind])
        line = f"  {kind:<42}{ordered[CALLS // 2]:>8.2f}{ordered[CALLS * 9 // 10]:>8.2f}"
        if kind in others:
            found = shift(times[kind], times[base])
            seen = "seen" if found.is_seen else "not seen"
            line += (
                f"  {found.estimate:+.2f} ({found.low:+.2f} to {found.high:+.2f}): {seen}; "
                f"{found.visible:.2f} would have been"
            )
        print(line)
