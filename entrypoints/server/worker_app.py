"""The application of a worker, with its background tasks."""

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog

from adapters.logging import configure_logging
from application.use_cases import UseCases
from entrypoints.bootstrap import open_use_cases
from entrypoints.http.app import create_app
from entrypoints.http.middleware import RequestContextMiddleware
from entrypoints.http.settings import HttpSettings
from entrypoints.lost_data import is_database_lost
from entrypoints.server.cleanup_task import RETRY_INTERVAL, run_cleanup_task, run_retry_task
from entrypoints.server.workers import Workers
from entrypoints.settings.settings import Settings

_GC_THRESHOLDS: Final = (5_000, 1_000, 10)
"""How many new objects, and collections of younger objects, start a garbage collection.

By default, collections of older objects make the slowest requests: with 4,000 slow bodies under
way, each visits all that belongs to them. With ten times as many new objects, memory that is not
in the processor's cache makes all requests slower by a fifth.
"""

_log = structlog.get_logger()


def make_app(settings: Settings, workers: Workers) -> RequestContextMiddleware:
    """Make the application.

    Args:
        settings: all of them.
        workers: are told that this one has started, or cannot.
    """
    configure_logging(settings.log_level, settings.log_format)
    http_settings = HttpSettings(
        server=settings.http_server(),
        otp=settings.http_otp(),
        identities=settings.http_identities(),
        media=settings.http_media(),
        has_phone_line=settings.has_phone_line,
        upload_lock_file=workers.upload_lock_file,
        is_stopping=workers.is_stopping,
    )

    @asynccontextmanager
    async def open_with_tasks() -> AsyncIterator[UseCases]:
        async with AsyncExitStack() as stack:
            # The first, because a stop signal may arrive while the rest is opened.
            workers.end_with_service()
            try:
                use_cases = await stack.enter_async_context(open_use_cases(settings))
            except Exception as error:  # noqa: BLE001 - it is reported, and the process exits
                workers.stop_service(error)
            if interval := settings.cleanup_interval:
                cleanup = run_cleanup_task(use_cases.operations.scheduled_cleanup, interval)
                await stack.enter_async_context(cleanup)
                retries = run_retry_task(use_cases.media.retry_deletions, RETRY_INTERVAL)
                await stack.enter_async_context(retries)
            # What exists now stays: no collection has to look at it.
            gc.freeze()
            gc.set_threshold(*_GC_THRESHOLDS)
            if workers.mark_started() and is_database_lost(settings):
                _log.warning("database_found_empty", fix="dialtone restore FILE")
            yield use_cases

    return create_app(open_with_tasks, http_settings)
