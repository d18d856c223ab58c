"""The text that Prometheus reads."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.operations.metrics import exposition
from adapters.operations.metrics.exposition import Exposition, MeasuredGauge
from adapters.operations.metrics.metrics import Metrics
from application.identities.count_users import UserCount
from application.limits.measure_limits import LimitUse
from application.ports.errors import StorageUnavailable
from tests.support.builders import NOW
from tests.support.fakes.clock import MovableClock
from tests.support.keys import FakeKeyRing


async def measure_nothing() -> list[LimitUse]:
    return []


async def render(
    measure_limits: Callable[[], Awaitable[Any]] = measure_nothing,
    measure_gauge: Callable[[], Awaitable[float]] | None = None,
    error: Exception | None = None,
) -> str:
    async def count() -> UserCount:
        if error is not None:
            raise error
        return UserCount(12)

    clock = MovableClock(NOW)
    clock.advance(timedelta(days=1))
    metrics = Metrics()
    metrics.worker_starts.inc()
    rendered = await Exposition(
        metrics=metrics,
        measure_limits=measure_limits,
        count_users=count,
        version="0.1.0",
        commit="c0ffee",
        key_rings={"signing": FakeKeyRing()},
        clock=clock,
        gauges=[MeasuredGauge(name="event_delay_seconds", text="It waits.", measure=measure_gauge)],
    ).render()
    return rendered.decode()


async def test_what_is_no_counter_is_read_when_it_is_requested() -> None:
    async def measure() -> list[LimitUse]:
        return [LimitUse("unverified_per_country", "strangers", "IN", 40, 50)]

    async def measure_delay() -> float:
        return 90.0

    text = await render(measure, measure_delay)
    labels = 'country="IN",limit="unverified_per_country",part="strangers"'
    for line in (
        f"dialtone_limit_use_ratio{{{labels}}} 0.8",
        'dialtone_key_age_seconds{purpose="signing"} 86400.0',
        'dialtone_build_info{commit="c0ffee",version="0.1.0"} 1.0',
        "dialtone_users 12.0",
        "dialtone_event_delay_seconds 90.0",
    ):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("error", [StorageUnavailable("away"), ZeroDivisionError()], ids=repr)
async def test_what_cannot_be_read_is_missing_and_the_rest_is_served(error: Exception) -> None:
    async def fail() -> Any:
        raise error

    for text, missing in (
        (await render(fail), "limit_use_ratio{"),
        (await render(error=StorageUnavailable("away")), "users"),
        (await render(), "event_delay_seconds"),
        (await render(measure_gauge=fail), "event_delay_seconds"),
    ):
        assert f"\ndialtone_{missing}" not in text
        assert "dialtone_worker_starts_total 1.0\n" in text


async def test_a_database_that_does_not_answer_is_not_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exposition, "READ_TIMEOUT", 0.01)
    text = await render(asyncio.Event().wait)
    assert "dialtone_worker_starts_total 1.0\n" in text
