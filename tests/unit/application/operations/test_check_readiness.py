"""Readiness checks all parts, but only the database is essential."""

import asyncio

import pytest

from application.operations import check_readiness
from application.operations.check_readiness import CheckReadiness, Readiness
from application.ports.system import HealthCheck
from tests.support.app_harness import AppHarness
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.messenger import REJECTED


class HangingHealthCheck:
    """The check of a part that never answers."""

    async def check(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def working() -> HealthCheck:
    return InMemoryDatabase().repositories().health


async def test_the_service_is_ready_when_all_parts_work(app: AppHarness) -> None:
    readiness = await app.use_cases.check_readiness()
    assert readiness == Readiness(None, None, None)
    assert readiness.is_ready


async def test_the_service_is_not_ready_without_database(app: AppHarness) -> None:
    app.database.is_unavailable = True
    readiness = await app.use_cases.check_readiness()
    assert (readiness.is_ready, readiness.database) == (False, "unavailable")


async def test_the_service_is_ready_without_media_store_and_messenger(app: AppHarness) -> None:
    app.files.is_unavailable, app.messenger.result = True, REJECTED
    readiness = await app.use_cases.check_readiness()
    assert readiness == Readiness(None, media="unavailable", messages=REJECTED.reason)
    assert readiness.is_ready


async def test_a_part_that_does_not_answer_in_time_does_not_work(
    working: HealthCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_readiness, "CHECK_TIMEOUT_SECONDS", 0)
    readiness = await CheckReadiness(HangingHealthCheck(), working, HangingHealthCheck())()
    assert readiness.database == readiness.messages == "does not answer"
    assert not readiness.is_ready
