"""The application of a worker, with its background tasks."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

import structlog

from adapters.logging import configure_logging, request_log
from application.use_cases import UseCases
from entrypoints.bootstrap import make_webhooks, open_use_cases
from entrypoints.http.app import create_app
from entrypoints.http.deadlines import OpenRequests
from entrypoints.http.middleware import REQUEST_LOGGER, RequestContextMiddleware
from entrypoints.http.settings import HttpSettings
from entrypoints.operator_jobs import is_database_lost
from entrypoints.server.background_task import run_in_background
from entrypoints.server.cleanup_task import RETRY_INTERVAL, run_cleanup_task, run_retry_task
from entrypoints.server.connection_task import run_connection_task
from entrypoints.server.connections import OpenConnections
from entrypoints.server.descriptors import max_connections
from entrypoints.server.thread_scheduling import run_scheduling_task
from entrypoints.server.worker_stop import WorkerStop
from entrypoints.settings import ENV_FILE, Settings, read_settings
from entrypoints.settings.values import Environment

_log = structlog.get_logger()


def make_app(
    upload_lock_file: int, stop: WorkerStop, is_first_opened: Callable[[], bool]
) -> RequestContextMiddleware:
    """Make the application from the environment and the `.env` file in the current folder.

    Args:
        upload_lock_file: an empty file that all workers share.
        stop: how this worker stops.
        is_first_opened: called when everything is open; whether no other worker was earlier.
    """
    settings = read_settings(os.environ, ENV_FILE)
    configure_logging(settings.log_level, settings.log_format)
    http_settings = HttpSettings(
        version=version("dialtone"),
        public_url=settings.public_url,
        upload_limit=settings.max_upload_size,
        default_region=settings.default_region,
        max_uploads=settings.max_uploads,
        max_spooled_bytes=settings.max_spooled_bytes,
        upload_lock_file=upload_lock_file,
        is_stopping=stop.is_stopping,
        log_request=request_log(REQUEST_LOGGER),
        otp_length=settings.otp_length,
        phone_rules=settings.phone_rules,
        trusted_proxies=settings.trusted_proxies,
        request_limit_per_identity=settings.request_limit_per_identity,
        refresh_limit_per_ip=settings.refresh_limit_per_ip,
        workers=settings.workers,
        web_origins=settings.web_origins,
        webhooks=make_webhooks(settings),
        has_phone_line=settings.has_phone_line,
        has_voice_channel=settings.has_voice_channel,
        keeps_docs_token=settings.env is Environment.DEVELOPMENT,
    )

    open_requests = OpenRequests()
    connections = OpenConnections(
        open_requests,
        settings.bind.port,
        # A proxy has the connections of many clients.
        max_per_ip=None if settings.trusted_proxies else settings.max_connections_per_ip,
        max_total=max_connections() * 3 // 4,
    )

    @asynccontextmanager
    async def open_with_tasks() -> AsyncIterator[UseCases]:
        async with (
            # The first, because a stop signal may arrive while the rest is opened.
            run_in_background(stop.run(connections)),
            open_use_cases(settings) as use_cases,
            run_cleanup_task(use_cases.scheduled_cleanup, settings.cleanup_interval),
            run_retry_task(
                use_cases.retry_deletions, RETRY_INTERVAL if settings.cleanup_interval else None
            ),
            run_connection_task(connections),
            run_scheduling_task(settings.workers),
        ):
            if is_first_opened():
                _log_warnings(settings)
            yield use_cases

    return create_app(open_with_tasks, http_settings, open_requests)


def _log_warnings(settings: Settings) -> None:
    for name, similar in settings.variables.unknown.items():
        _log.warning("setting_unknown", setting=name, did_you_mean=similar)
    if is_database_lost(settings):
        _log.warning("database_found_empty", fix="dialtone restore FILE")
