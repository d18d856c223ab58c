"""The application of a worker, with its background tasks."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from adapters.operations.logging import configure_logging, log_errors_of_loop
from application.ports.errors import DatabaseLocked, OtherKeys
from application.use_cases import UseCases
from entrypoints.composition.features import FEATURES
from entrypoints.composition.http_settings import make_http_settings
from entrypoints.composition.use_cases import open_all
from entrypoints.http.app import create_app
from entrypoints.http.requests.middleware import RequestContextMiddleware
from entrypoints.parts.composition import Composition
from entrypoints.parts.keys import KeysUnavailable
from entrypoints.parts.missing_data import is_database_lost
from entrypoints.server.banner import BannerParts
from entrypoints.server.metrics_server import serve_metrics
from entrypoints.server.watchdog import watch_event_loop
from entrypoints.server.workers import Workers
from entrypoints.settings.providers import provider_name
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError
from entrypoints.settings.values import Bind
from entrypoints.tasks.core_tasks import (
    RunCleanup,
    keep_instance,
    run_cleanup_task,
    run_clock_task,
    run_clock_watch,
    run_limit_watch,
    run_rejection_writes,
)

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics

_GC_THRESHOLDS: Final = (5_000, 1_000, 10)
"""How many new objects, and collections of younger objects, start a garbage collection.

By default, collections of older objects make the slowest requests: with 4,000 slow bodies under
way, each visits all that belongs to them. With ten times as many new objects, memory that is not
in the processor's cache makes all requests slower by a fifth.
"""

_SLOW_START: Final = 30.0
"""Seconds after which the log says that a new worker, in place of another one, waits."""
_KEYS_PAUSE: Final = 5.0
"""Seconds after which a new worker loads the keys again."""
_NO_RESPONSE: Final = "something that it opens does not respond"

_log = structlog.get_logger()


def make_app(
    settings: Settings, workers: Workers, metrics_bind: Bind | None = None
) -> RequestContextMiddleware:
    """Make the application, in a worker. `metrics_bind` has a resolved host."""
    metrics = _make_metrics(settings) if metrics_bind is not None else None
    count_failures = _ignore_failures if metrics is None else metrics.count_background_failures
    configure_logging(settings.log_level, settings.log_format, count_failures)
    http_settings = replace(
        make_http_settings(settings),
        is_stopping=workers.is_stopping,
        request_observer=metrics,
    )

    @asynccontextmanager
    async def open_with_tasks() -> AsyncIterator[UseCases]:
        async with AsyncExitStack() as stack:
            # The first, because a stop signal may arrive while the rest is opened.
            workers.end_with_service()
            log_errors_of_loop(lambda: count_failures("unhandled", 1))
            stack.enter_context(watch_event_loop())
            try:
                composition, use_cases = await _open_all(settings, metrics, workers, stack)
                # Before it serves, so that no job that has to run alone begins beside it.
                await stack.enter_async_context(
                    keep_instance(use_cases.operations.instance, metrics)
                )
                if metrics is not None and metrics_bind is not None:
                    from adapters.operations.metrics.exposition import make_metrics_app

                    render = make_metrics_app(metrics, composition.gauges)
                    stack.enter_context(serve_metrics(metrics_bind, render))
            except Exception as error:  # noqa: BLE001 - it is reported, and the process exits
                workers.stop_service(error)
            clock_watch = run_clock_watch(composition.system.clock, metrics)
            await stack.enter_async_context(clock_watch)
            if (compare_clocks := use_cases.operations.compare_clocks) is not None:
                await stack.enter_async_context(run_clock_task(compare_clocks, metrics))
            if interval := settings.cleanup_interval:
                cleanup = run_cleanup_task(_find_cleanup(use_cases, metrics), interval, metrics)
                await stack.enter_async_context(cleanup)
            for task in composition.tasks:
                await stack.enter_async_context(task)
            warn = use_cases.limits.limit_alerts.warn_of_high_use
            watch = run_limit_watch(warn, metrics)
            await stack.enter_async_context(watch)
            writes = run_rejection_writes(use_cases.otp.rejections.write, metrics)
            await stack.enter_async_context(writes)
            # What exists now stays: no collection has to look at it.
            gc.freeze()
            gc.set_threshold(*_GC_THRESHOLDS)
            banner = BannerParts(composition.banner_urls, composition.banner_adapters)
            if workers.mark_started(banner) and is_database_lost(settings):
                _log.warning("database_found_empty", fix="dialtone restore FILE")
            yield use_cases

    additions = [
        addition for feature in FEATURES for addition in feature.http_additions(settings, FEATURES)
    ]
    return create_app(open_with_tasks, http_settings, additions)


async def _open_all(
    settings: Settings, metrics: "Metrics | None", workers: Workers, stack: AsyncExitStack
) -> tuple[Composition, UseCases]:
    def report_wait(reason: str) -> None:
        if metrics is not None:
            metrics.count_background_failures("worker_start", 1)
        _log.warning("worker_start_waits", reason=reason)

    loop, reason = asyncio.get_running_loop(), ""
    # As long as the lock is kept, or the keys cannot be used: other workers go on, with the keys
    # that they have, and a stop signal ends this one.
    while True:
        # The parent process logs it if no worker has started yet.
        wait = partial(report_wait, _NO_RESPONSE)
        timer = loop.call_later(_SLOW_START, wait) if workers.has_started else None
        try:
            opened = open_all(settings, metrics=metrics, is_service=True)
            return await stack.enter_async_context(opened)
        except StartupError as error:
            # Another worker has the lock if its disk hangs in a write.
            is_locked = isinstance(error.__cause__, DatabaseLocked)
            if not workers.has_started or not (is_locked or _is_of_keys(error)):
                raise
            if is_locked or str(error) != reason:
                reason = str(error)
                report_wait(reason)
            if not is_locked:
                await asyncio.sleep(_KEYS_PAUSE)
        finally:
            if timer is not None:
                timer.cancel()


def _is_of_keys(error: StartupError) -> bool:
    """Return whether there are no keys, or other ones than those with which workers go on."""
    return isinstance(error, KeysUnavailable) or isinstance(error.__cause__, OtherKeys)


def _ignore_failures(_task: str, _number: int) -> None:
    """Count nothing, because there are no metrics."""


def _make_metrics(settings: Settings) -> "Metrics":
    # Imported only here: the library that nothing else uses takes the folder from the environment.
    from adapters.operations.metrics.metrics import Metrics

    metrics = Metrics(set(map(provider_name, settings.providers)))
    metrics.worker_starts.inc()
    return metrics


def _find_cleanup(use_cases: UseCases, metrics: "Metrics | None") -> RunCleanup:
    if metrics is None:
        return use_cases.operations.scheduled_cleanup
    from adapters.operations.metrics.cleanup import CountedCleanup

    return CountedCleanup(use_cases.operations.scheduled_cleanup, metrics)
