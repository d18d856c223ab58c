"""Readiness checks all parts, holds the results and answers in time."""

import asyncio
from dataclasses import dataclass

import pytest

from adapters.system.held_health_check import (
    CANCEL_TIMEOUT,
    CHECK_TIMEOUT,
    FAILURE_TTL,
    SUCCESS_TTL,
    HeldHealthCheck,
)
from application.operations.check_readiness import CheckReadiness, Readiness
from application.ports.errors import CallProviderUnavailable, PortError, StorageUnavailable
from application.ports.system import HealthCheck
from tests.support.app_harness import AppHarness
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.messenger import REJECTED


@dataclass
class SlowHealthCheck:
    """A check that takes this long, and then raises an error or succeeds."""

    seconds: float = 0
    error: BaseException | None = None
    ignores_cancellation: bool = False
    started: int = 0

    async def check(self) -> None:
        self.started += 1
        ends_at = now() + self.seconds
        while now() < ends_at:
            try:
                await asyncio.sleep(ends_at - now())  # the time of these tests is virtual
            except asyncio.CancelledError:
                if not self.ignores_cancellation:
                    raise
        if self.error is not None:
            raise self.error


def now() -> float:
    return asyncio.get_running_loop().time()


async def advance(seconds: float) -> None:
    await asyncio.sleep(seconds)  # the time of these tests is virtual


def readiness_of(database: HealthCheck) -> CheckReadiness:
    working = InMemoryDatabase().repositories().health
    return CheckReadiness(HeldHealthCheck(database), working, working)


async def test_a_limit_store_is_listed_and_an_instance_is_ready_without_it() -> None:
    working, closed = SlowHealthCheck(), SlowHealthCheck(error=StorageUnavailable("closed"))

    readiness = await CheckReadiness(working, working, working, closed)()

    assert readiness == Readiness(None, None, None, "closed", has_limit_store=True)
    assert readiness.is_ready


async def test_a_provider_of_calls_is_listed_if_it_can_be_checked() -> None:
    working, away = SlowHealthCheck(), SlowHealthCheck(error=CallProviderUnavailable("away"))

    readiness = await CheckReadiness(working, working, working, calls=away)()

    assert readiness == Readiness(None, None, None, calls="away", has_call_check=True)
    assert readiness.is_ready


async def test_a_provider_of_proofs_is_listed_and_an_instance_is_ready_without_it() -> None:
    working, away = SlowHealthCheck(), SlowHealthCheck(error=PortError("away"))

    readiness = await CheckReadiness(working, working, working, attestation=away)()

    assert readiness == Readiness(None, None, None, attestation="away", has_attestation_check=True)
    assert readiness.is_ready


async def test_the_service_is_ready_with_media_store_and_messenger_or_without(
    app: AppHarness,
) -> None:
    assert await app.operations.check_readiness() == Readiness(None, None, None)
    await advance(SUCCESS_TTL)
    app.files.is_unavailable, app.messenger.result = True, REJECTED
    readiness = await app.operations.check_readiness()
    assert readiness == Readiness(None, media="unavailable", messages=REJECTED.reason)
    assert readiness.is_ready


@pytest.mark.parametrize(
    ("is_database_shared", "is_media_shared", "is_ready"),
    [(True, True, True), (False, True, False), (True, False, False), (False, False, False)],
)
async def test_only_a_part_of_its_own_makes_an_instance_not_ready(
    is_database_shared: bool, is_media_shared: bool, is_ready: bool
) -> None:
    working, away = SlowHealthCheck(), SlowHealthCheck(error=StorageUnavailable("away"))

    readiness = await CheckReadiness(
        away,
        away,
        working,
        is_database_shared=is_database_shared,
        is_media_shared=is_media_shared,
    )()

    assert (readiness.database, readiness.media) == ("away", "away")
    assert readiness.is_ready == is_ready


async def test_an_instance_is_ready_while_its_disk_has_little_space() -> None:
    working, low = SlowHealthCheck(), SlowHealthCheck(error=PortError("low"))

    readiness = await CheckReadiness(working, working, working, disk=low)()

    assert readiness == Readiness(None, None, None, disk="low")
    assert readiness.is_ready


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


@pytest.mark.parametrize("ignores_cancellation", [False, True])
async def test_no_second_check_begins_while_the_first_hangs(ignores_cancellation: bool) -> None:
    health_check = SlowHealthCheck(3600, ignores_cancellation=ignores_cancellation)
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


async def test_a_check_that_hangs_is_cancelled_so_that_the_part_can_recover() -> None:
    health_check = SlowHealthCheck(3600)
    check_readiness = readiness_of(health_check)
    await check_readiness()
    health_check.seconds = 0
    await advance(CANCEL_TIMEOUT + FAILURE_TTL)
    assert (await check_readiness()).is_ready
    assert health_check.started == 2


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (RuntimeError("a password"), "failed with RuntimeError"),
        (asyncio.CancelledError(), "does not answer"),
    ],
)
async def test_any_exception_of_a_check_is_a_problem(error: BaseException, problem: str) -> None:
    check_readiness = readiness_of(SlowHealthCheck(error=error))
    assert [(await check_readiness()).database for _ in range(2)] == [problem] * 2
