"""The text that Prometheus reads."""

import asyncio
from typing import Any

import pytest

from adapters.operations.metrics import exposition
from adapters.operations.metrics.exposition import MeasuredGauge, make_metrics_app
from adapters.operations.metrics.metrics import Metrics
from application.ports.errors import StorageUnavailable

COUNTED = "dialtone_worker_starts_total 1.0"


def make_app(*gauges: MeasuredGauge) -> Any:
    metrics = Metrics()
    metrics.worker_starts.inc()
    return make_metrics_app(metrics, gauges)


def render(app: Any) -> list[str]:
    [body] = app({"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics"}, lambda *_: None)
    return str(body.decode()).splitlines()


async def count_users() -> float:
    return 12


@pytest.mark.parametrize(
    "error", [StorageUnavailable("away"), ZeroDivisionError(), asyncio.CancelledError()], ids=repr
)
async def test_gauges_are_read_and_those_that_fail_or_hang_are_left_out(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposition, "READ_TIMEOUT", 0.1)

    async def fail() -> float:
        raise error

    async def hang() -> None:
        await asyncio.Event().wait()

    async def find_nothing() -> None:
        return None

    async def measure_use() -> dict[tuple[str, ...], float]:
        return {("total", "IN"): 0.8}

    app = make_app(
        MeasuredGauge("failing", "It fails.", fail),
        MeasuredGauge("hanging", "It hangs.", hang),
        MeasuredGauge("absent", "It has no value.", find_nothing),
        MeasuredGauge("use", "It has labels.", measure_use, ("limit", "country")),
        MeasuredGauge("users", "It has none.", count_users),
    )
    lines = await asyncio.to_thread(render, app)
    assert {'dialtone_use{country="IN",limit="total"} 0.8', "dialtone_users 12.0", COUNTED} < {
        *lines
    }
    missing = ("dialtone_failing", "dialtone_hanging", "dialtone_absent")
    assert not any(line.startswith(missing) for line in lines)


async def test_counts_are_served_while_the_event_loop_is_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exposition, "READ_TIMEOUT", 0.01)
    lines = render(make_app(MeasuredGauge("users", "Users.", count_users)))
    assert COUNTED in lines
    assert "dialtone_users 12.0" not in lines
