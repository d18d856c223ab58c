"""The background task that sends the events of users."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from application.features.events.send_events import SendEvents, SentEvents
from application.ports.errors import PortError
from entrypoints.tasks.background_task import log_task_failure, repeat

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics

_TURN_SECONDS: Final = 5.0
"""Until the next try, while another process sends."""
_ERROR_PAUSE_SECONDS: Final = 1.0
_TURN_TIMEOUT: Final = 60.0
_RELEASE_TIMEOUT: Final = 5.0
"""A stop does not wait long for a database."""
_WARNING_INTERVAL: Final = 60.0
_COUNTED_USERS: Final = 200

Send: TypeAlias = Callable[[], Awaitable[Mapping[str, SentEvents] | None]]

_log = structlog.get_logger()


class _EventsLog:
    """Log what was sent and what was not: once a minute for each reason to warn."""

    def __init__(self, events: SendEvents, labels: Mapping[str, str]) -> None:
        self._events = events
        self._labels = labels
        self._warned_at: dict[str, float] = {}
        self._failing: set[str] = set()

    async def log_sent(self, sent: Mapping[str, SentEvents]) -> None:
        for name, result in sent.items():
            if result.failed and self._is_due(name):
                await self._warn(name, result.reason)
            if result.accepted:
                has_recovered = name in self._failing and not result.is_failing
                if has_recovered:
                    self._failing.remove(name)
                # After a warning, the operator wants to know that it works again.
                log = _log.info if has_recovered else _log.debug
                log("events_sent", destination=self._labels[name], events=result.accepted)

    def log_error(self, event: str, error: Exception) -> None:
        if self._is_due(type(error).__name__):
            log_task_failure(event, error)

    async def _warn(self, name: str, reason: str) -> None:
        self._failing.add(name)
        users = await self._events.count_waiting_users(name, _COUNTED_USERS)
        _log.warning(
            "events_not_sent",
            destination=self._labels[name],
            reason=reason,
            waiting_users=f"{users} or more" if users == _COUNTED_USERS else users,
        )

    def _is_due(self, key: str) -> bool:
        now = time.monotonic()
        if now - self._warned_at.get(key, -_WARNING_INTERVAL) < _WARNING_INTERVAL:
            return False
        self._warned_at[key] = now
        return True


@asynccontextmanager
async def run_events_task(
    events: SendEvents,
    labels: Mapping[str, str],
    send: Send | None = None,
    metrics: "Metrics | None" = None,
) -> AsyncIterator[None]:
    """Send events in the background until the end of the block."""
    call, log = send or events, _EventsLog(events, labels)

    async def take_turn() -> None:
        sent = await call()
        if sent is None:
            await asyncio.sleep(_TURN_SECONDS)
        else:
            await log.log_sent(sent)

    sending = repeat(
        "events",
        take_turn,
        failed_event="events_not_sent",
        pause=timedelta(),
        pause_after_failure=timedelta(seconds=_ERROR_PAUSE_SECONDS),
        limit=timedelta(seconds=_TURN_TIMEOUT),
        metrics=metrics,
        log_failure=log.log_error,
    )
    try:
        async with sending:
            yield
    finally:
        with suppress(PortError, TimeoutError):
            async with asyncio.timeout(_RELEASE_TIMEOUT):
                await events.release()
