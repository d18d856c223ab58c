"""Readiness checks all parts in time, and the clock is that of the database."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from adapters.operations.system import (
    CANCEL_TIMEOUT,
    CHECK_TIMEOUT,
    FAILURE_TTL,
    SUCCESS_TTL,
    HeldHealthCheck,
)
from application.operations.check_readiness import CheckedPart, CheckReadiness, Readiness
from application.operations.compare_clocks import CompareClocks
from application.ports.errors import PortError, StorageUnavailable
from application.ports.system import HealthCheck
from tests.support.fakes.clock import MovableClock


@dataclass
class SlowHealthCheck:
    """A check that takes this long, and then raises an error or succeeds."""

    seconds: float = 0
    error: BaseException | None = None
    started: int = 0

    async def check(self) -> None:
        self.started += 1
        await asyncio.sleep(self.seconds)  # the time of these tests is virtual
        if self.error is not None:
            raise self.error


def now() -> float:
    return asyncio.get_running_loop().time()


async def advance(seconds: float) -> None:
    await asyncio.sleep(seconds)  # the time of these tests is virtual


def readiness_of(database: HealthCheck) -> CheckReadiness:
    return CheckReadiness(database=HeldHealthCheck(database), is_database_shared=False, parts={})


async def test_a_part_is_listed_without_details_and_an_instance_is_ready_without_it() -> None:
    closed = StorageUnavailable("closed", "SQLITE_IOERR: disk I/O error")
    assert str(closed) == "closed: SQLITE_IOERR: disk I/O error"
    check_readiness = CheckReadiness(
        database=SlowHealthCheck(),
        is_database_shared=False,
        parts={
            "limits": CheckedPart(HeldHealthCheck(SlowHealthCheck(error=closed))),
            "disk": CheckedPart(SlowHealthCheck(error=PortError("low", "of 9 GB"))),
            "messages": CheckedPart(SlowHealthCheck(), is_of_provider=True),
        },
    )

    readiness = await check_readiness()

    parts = {"limits": "closed", "disk": "low", "messages": None}
    assert readiness == Readiness(
        None, parts, frozenset({"messages"}), is_database_shared=False, is_ready=True
    )


async def test_only_a_part_of_its_own_makes_an_instance_not_ready() -> None:
    away = SlowHealthCheck(error=StorageUnavailable("away"))
    for is_shared, is_own in ((True, False), (False, False), (True, True), (False, True)):
        check_readiness = CheckReadiness(
            database=away,
            is_database_shared=is_shared,
            parts={"media": CheckedPart(away, is_own=is_own)},
        )
        readiness = await check_readiness()
        assert (readiness.database, readiness.parts) == ("away", {"media": "away"})
        assert readiness.is_ready == (is_shared and not is_own)


@pytest.mark.parametrize(
    ("error", "ttl"), [(None, SUCCESS_TTL), (StorageUnavailable("unavailable"), FAILURE_TTL)]
)
async def test_a_result_is_held(error: Exception | None, ttl: float) -> None:
    health_check = SlowHealthCheck(error=error)
    check_readiness = readiness_of(health_check)
    assert (await check_readiness()).is_ready == (error is None)
    health_check.error = None if error else StorageUnavailable("unavailable")
    await advance(ttl - 0.1)
    assert (await check_readiness()).is_ready == (error is None)
    assert health_check.started == 1
    await advance(0.1)
    assert (await check_readiness()).is_ready != (error is None)
    assert health_check.started == 2


async def test_requests_at_the_same_time_share_one_check_even_if_the_first_is_cancelled() -> None:
    health_check = SlowHealthCheck(CHECK_TIMEOUT / 2)
    check_readiness = readiness_of(health_check)
    first = asyncio.create_task(check_readiness())
    others = [asyncio.create_task(check_readiness()) for _ in range(20)]
    await advance(CHECK_TIMEOUT / 4)
    first.cancel()
    assert all(readiness.is_ready for readiness in await asyncio.gather(*others))
    assert health_check.started == 1


async def test_no_second_check_begins_until_the_one_that_hangs_is_cancelled() -> None:
    health_check = SlowHealthCheck(3600)
    check_readiness = readiness_of(health_check)
    began_at = now()
    assert (await check_readiness()).database == "does not answer"
    assert now() - began_at == pytest.approx(CHECK_TIMEOUT) == 0.5
    while now() - began_at < CANCEL_TIMEOUT - FAILURE_TTL:
        await advance(FAILURE_TTL)
        requested_at = now()
        assert (await check_readiness()).database == "does not answer"
        assert now() == requested_at
    assert health_check.started == 1
    health_check.seconds = 0
    await advance(2 * FAILURE_TTL)
    assert (await check_readiness()).is_ready


async def test_any_exception_of_a_check_is_a_problem_that_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    check_readiness = readiness_of(SlowHealthCheck(error=SystemExit("a password")))
    for _ in range(2):
        assert (await check_readiness()).database == "failed with SystemExit"
        await advance(FAILURE_TTL)
    assert [(line.msg, bool(line.exc_info)) for line in caplog.records] == [
        ({"event": "health_check_failed"}, True)
    ]


CLOCK = MovableClock()


def database_time(behind: float) -> Callable[[], Awaitable[datetime]]:
    """Return what reads the time of a database, halfway in four seconds."""

    async def read_time() -> datetime:
        CLOCK.advance(timedelta(seconds=4))
        return CLOCK.now() - timedelta(seconds=2 + behind)

    return read_time


@pytest.mark.parametrize(
    ("behind", "level", "text"),
    [
        (5, "", ""),
        (6, "WARNING", "6 s ahead of the database"),
        (360, "ERROR", "360 s ahead of the database"),
        (-31, "ERROR", "31 s behind the database"),
    ],
)
async def test_a_clock_that_differs_is_logged_and_fails_its_health_check(
    behind: float, level: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    compare = CompareClocks(database_time(behind), CLOCK)
    await compare.check()  # nothing is known yet

    assert await compare() == timedelta(seconds=behind)

    expected = [(level, {"event": "clock_differs", "reason": text})] if text else []
    assert [(line.levelname, line.msg) for line in caplog.records] == expected
    if text:
        with pytest.raises(PortError, match=text):
            await compare.check()
    else:
        await compare.check()
