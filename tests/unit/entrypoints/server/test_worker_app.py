"""What a new worker waits for is in the log, while others go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.operations.metrics.metrics import Metrics
from application.ports.errors import OtherKeys
from entrypoints.parts.keys import KeysUnavailable
from entrypoints.server import worker_app
from entrypoints.server.banner import BannerParts
from entrypoints.server.workers import Workers
from entrypoints.settings.startup_error import StartupError
from tests.support.counts import counts


async def test_a_new_worker_whose_disk_does_not_respond_is_logged_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    composition: Any = object()

    @asynccontextmanager
    async def open_all(*_: object, **__: object) -> AsyncIterator[Any]:
        await asyncio.sleep(10 * worker_app._SLOW_START)  # no time of this machine
        yield composition

    monkeypatch.setattr(worker_app, "open_all", open_all)
    workers = Workers()
    workers.mark_started(BannerParts({}, {}))
    settings: Any = object()
    metrics = Metrics()
    with capture_logs() as logs:
        async with AsyncExitStack() as stack:
            opened = await worker_app._open_all(settings, metrics, workers, stack)

    assert opened is composition
    assert [line["event"] for line in logs] == ["worker_start_waits"]
    assert counts(metrics)["background_failures"][("worker_start",)] == 1


async def test_a_new_worker_waits_for_keys_that_others_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    composition: Any = object()
    other_keys = StartupError("DIALTONE_DATABASE: it was written with other keys")
    other_keys.__cause__ = OtherKeys()
    failures = [other_keys, *[KeysUnavailable("DIALTONE_SECRETS_FILE: it does not exist")] * 2]

    @asynccontextmanager
    async def open_all(*_: object, **__: object) -> AsyncIterator[Any]:
        if failures:
            raise failures.pop()
        yield composition

    monkeypatch.setattr(worker_app, "open_all", open_all)
    monkeypatch.setattr(worker_app, "_KEYS_PAUSE", 0)
    settings: Any = object()
    workers = Workers()
    workers.mark_started(BannerParts({}, {}))
    with capture_logs() as logs:
        async with AsyncExitStack() as stack:
            opened = await worker_app._open_all(settings, None, workers, stack)

    assert opened is composition
    assert [(line["event"], line["reason"]) for line in logs] == [
        ("worker_start_waits", "DIALTONE_SECRETS_FILE: it does not exist"),
        ("worker_start_waits", "DIALTONE_DATABASE: it was written with other keys"),
    ]
