"""Events of users, which are sent to the operator's backend."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from application.additions import Additions
from application.opened import Opened
from application.ports.errors import PortError
from entrypoints.features.feature import Feature
from entrypoints.parts.factories import open_adapter
from entrypoints.settings.adapter_parsers import several_of
from entrypoints.settings.declaration import setting
from entrypoints.settings.readers import HookSecrets
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable
from entrypoints.settings.values import Factory, HttpHook
from entrypoints.tasks.background_task import log_task_failure, repeat

if TYPE_CHECKING:
    from adapters.operations.metrics.metrics import Metrics
    from application.features.events.feature import (
        EventRecordsFeature,
        Events,
        EventsFeature,
        EventsPolicy,
    )
    from application.features.events.send_events import EventDestination, SendEvents, SentEvents
    from application.use_cases import UseCases
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.parts.composition import Composition
    from entrypoints.settings.rules import Check

    Send: TypeAlias = Callable[[], Awaitable[Mapping[str, SentEvents] | None]]


Destination = HttpHook | Factory
_NO_USER: Final = "0" * 24
_STORED_LENGTH: Final = 12
"""Hex digits. No attacker chooses the text, so none can make a collision."""


def stored_name(destination: Destination) -> str:
    """Return the name of a destination in the database: a hash, as a URL may be a secret."""
    text = destination.path if isinstance(destination, Factory) else destination.url
    return hashlib.sha256(text.encode()).hexdigest()[:_STORED_LENGTH]


def destination_labels(destinations: Sequence[Destination]) -> dict[str, str]:
    """Return the shown text of each destination, by its stored name."""
    return {stored_name(destination): str(destination) for destination in destinations}


@dataclass(frozen=True, kw_only=True)
class EventSettings(Settings):
    """Events of users for the backend of the app."""

    events: Annotated[tuple[Destination, ...], several_of({}, once="destination")] = setting(
        "Destinations of user events: https://… (your hook) or package.module:factory; several.",
        example="https://events.example.org",
        signed_with="DIALTONE_EVENTS_SECRET",
    )
    events_secret: HookSecrets = setting(
        "Secret that signs events; required if DIALTONE_EVENTS has a URL."
    )
    events_have_phone: bool = setting(
        "yes sends the phone number of the user with each event.",
        "no",
        variable="DIALTONE_EVENTS_PHONE",
    )

    @property
    def keeps_user_events(self) -> bool:
        return bool(self.events)

    def events_policy(self) -> "EventsPolicy":
        # Imported only here: reading settings needs no use cases.
        from application.features.events.feature import EventsPolicy

        return EventsPolicy(events_with_phone=self.events_have_phone)


def open_destination(
    destination: Destination, settings: Settings
) -> AbstractAsyncContextManager["EventDestination"]:
    """Open one of the destinations of events that the settings name."""
    from application.features.events.send_events import EventDestination

    if isinstance(destination, Factory):
        environ, variable = settings.variables.values, settings.variable_of("DIALTONE_EVENTS")
        return open_adapter(destination, variable, EventDestination, environ=environ)
    from adapters.hooks.events import open_http_destination

    return open_http_destination(destination.url, settings.of(EventSettings).events_secret.value)


async def _check_destination(destination: Destination, settings: EventSettings) -> str:
    from entrypoints.parts.connection_checks import check_own_adapter

    with name_variable(settings.variable_of("DIALTONE_EVENTS")):
        async with open_destination(destination, settings) as opened:
            if isinstance(destination, Factory):
                return await check_own_adapter(opened)
            return "the URL and the secret are valid; no request was sent"


async def send_test(destination: Destination, settings: EventSettings) -> str:
    """Send an event about nothing, which any receiver that verifies the signature can accept."""
    from application.features.events.send_events import Event, event_id
    from domain.identities.user_events import EventType

    now = datetime.now(UTC)
    event = Event(
        id=event_id(_NO_USER, int(now.timestamp() * 1000)),
        type=EventType.TEST,
        occurred_at=now,
        user_id=_NO_USER,
    )
    with name_variable(settings.variable_of("DIALTONE_EVENTS")):
        async with open_destination(destination, settings) as opened:
            await opened.send(event)
    return f"it accepted the event {event.type} with the id {event.id}"


def _make_records(composition: "Composition", core: "UseCases") -> "EventRecordsFeature":
    from application.features.events.feature import EventRecordsFeature

    destinations = composition.settings.of(EventSettings).events
    names = [stored_name(destination) for destination in destinations]
    return EventRecordsFeature(core, names)


class _EventRecords(Feature["Events"]):
    """The events in the database without their destinations, which a command does not need."""

    name = "events"

    async def open(self, composition: "Composition") -> Opened["Events"]:
        from application.features.events.feature import Events

        return Opened(lambda core: Events(_make_records(composition, core)))


class _Events(Feature["Events"]):
    name = "events"
    adapters = ("hooks/events.py",)
    settings = EventSettings

    def trials(self, settings: Settings) -> "Mapping[str, Check]":
        of_events = settings.of(EventSettings)
        return {
            f"events {destination}": partial(_check_destination, destination, of_events)
            for destination in of_events.events
        }

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.events import EventFields

        return (EventFields,)

    def details(self, composition: "Composition") -> Additions:
        del composition
        from application.features.events.feature import show_events

        return show_events()

    async def open(self, composition: "Composition") -> Opened["Events"]:
        from application.features.events.feature import Events, EventsFeature, EventsPorts

        settings = composition.settings.of(EventSettings)
        destinations: dict[str, EventDestination] = {}
        for destination in settings.events:
            with name_variable(settings.variable_of("DIALTONE_EVENTS")):
                opened = await composition.stack.enter_async_context(
                    open_destination(destination, settings)
                )
            destinations[stored_name(destination)] = opened
        ports = EventsPorts(destinations=destinations)
        events = EventsFeature(composition.core_ports, ports, settings.events_policy())
        if settings.events:
            composition.tasks.append(_send(events, settings, composition.metrics))

        async def measure() -> float | None:
            if not settings.events:
                return None
            return (await events.send.measure_delay()).total_seconds()

        composition.add_gauge(
            "event_delay_seconds",
            "How long the event waits that is due first; 0 if none is due.",
            measure,
        )

        return Opened(lambda core: Events(_make_records(composition, core), events))


def _send(
    events: "EventsFeature", settings: EventSettings, metrics: "Metrics | None"
) -> AbstractAsyncContextManager[None]:
    labels = destination_labels(settings.events)
    if metrics is None:
        return run_events_task(events.send, labels)
    from adapters.operations.metrics.features.events import CountedEvents

    counted = CountedEvents(events.send, metrics, [*labels])
    return run_events_task(events.send, labels, counted, metrics)


EVENTS: Final = _Events()
EVENT_RECORDS: Final = _EventRecords()


_TURN_SECONDS: Final = 5.0
"""Time until the next try while another process sends."""
_ERROR_PAUSE_SECONDS: Final = 1.0
_TURN_TIMEOUT: Final = 60.0
_RELEASE_TIMEOUT: Final = 5.0
"""A stop does not wait long for a database."""
_WARNING_INTERVAL: Final = 60.0
_COUNTED_USERS: Final = 200

_log = logging.getLogger(__name__)


class _EventsLog:
    """Log what was sent and what was not: once a minute for each reason to warn."""

    def __init__(self, events: "SendEvents", labels: Mapping[str, str]) -> None:
        self._events = events
        self._labels = labels
        self._warned_at: dict[str, float] = {}
        self._failing: set[str] = set()

    async def log_sent(self, sent: "Mapping[str, SentEvents]") -> None:
        for name, result in sent.items():
            if result.failed and self._is_due(name):
                await self._warn(name, result.reason)
            if result.accepted:
                has_recovered = name in self._failing and not result.is_failing
                if has_recovered:
                    self._failing.remove(name)
                # After a warning, the operator wants to know that it works again.
                log = _log.info if has_recovered else _log.debug
                fields = {"destination": self._labels[name], "events": result.accepted}
                log({"event": "events_sent", **fields})

    def log_error(self, event: str, error: Exception) -> None:
        if self._is_due(type(error).__name__):
            log_task_failure(event, error)

    async def _warn(self, name: str, reason: str) -> None:
        self._failing.add(name)
        users = await self._events.count_waiting_users(name, _COUNTED_USERS)
        _log.warning(
            {
                "event": "events_not_sent",
                "destination": self._labels[name],
                "reason": reason,
                "waiting_users": f"{users} or more" if users == _COUNTED_USERS else users,
            }
        )

    def _is_due(self, key: str) -> bool:
        now = time.monotonic()
        if now - self._warned_at.get(key, -_WARNING_INTERVAL) < _WARNING_INTERVAL:
            return False
        self._warned_at[key] = now
        return True


@asynccontextmanager
async def run_events_task(
    events: "SendEvents",
    labels: Mapping[str, str],
    send: "Send | None" = None,
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
