"""`dialtone events`: events that a destination has not accepted."""

from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from application.events.feature import EventRecordsFeature
from application.events.operator_events import OperatorEvents, RetriedEvents, WaitingEvent
from application.events.send_events import SENT_WITHIN
from application.use_cases import UseCases
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.parsing import parse_readings
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.commands.user_calls import find_one
from entrypoints.features.events import EVENT_RECORDS, EventSettings, destination_labels
from entrypoints.opening.startup_error import CommandError, print_errors
from entrypoints.settings.declaration import example_line
from entrypoints.settings.settings import Settings
from entrypoints.words.act_words import NO_ACCOUNT

NOT_SENT: Final = (
    "No events are recorded or sent, because DIALTONE_EVENTS is not set. It names where they go, "
    f"see docs/events.md. {example_line(EventSettings, 'DIALTONE_EVENTS')}"
)
_REMOVED: Final = "(not in DIALTONE_EVENTS now)"
_WITHIN: Final = f"{int(SENT_WITHIN.total_seconds())} seconds"
T = TypeVar("T")


def list_events(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """List the events that failed and those that wait. No destination is opened."""
    _require_events(settings)
    limit: int = arguments.limit

    async def find_events(use_cases: UseCases) -> Sequence[WaitingEvent]:
        operator_events = use_cases.of(EventRecordsFeature).operator_events
        if arguments.user is not None:
            user_id = await _find_user_id(settings, use_cases, arguments.user)
            listed = await operator_events.list_of(user_id)
            return [event for event in listed if not arguments.failed or _is_kept(event)]
        # One more says whether there are more.
        failed = await operator_events.list_failed(limit + 1)
        waiting = () if arguments.failed else await operator_events.list_waiting(limit + 1)
        return [*failed, *waiting]

    found = _call(settings, find_events)
    if len(found) > limit:
        print_errors(f"These are the first {limit}: --limit shows more.")
    labels = destination_labels(settings.of(EventSettings).events)
    if arguments.json:
        return [_to_json(found[:limit], labels)]
    if not found:
        return ["No event is kept." if arguments.failed else "No event waits or is kept."]
    return [_render(event, labels) for event in found[:limit]]


def retry(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Let events be sent again by a running service. No destination is opened."""
    _require_events(settings)

    async def retry_events(use_cases: UseCases) -> RetriedEvents:
        operator_events: OperatorEvents = use_cases.of(EventRecordsFeature).operator_events
        if arguments.user is None:
            return await operator_events.retry_all()
        return await operator_events.retry(await _find_user_id(settings, use_cases, arguments.user))

    retried = _call(settings, retry_events)
    if not retried.events:
        of_user = "" if arguments.user is None else " of this user"
        return [f"No event{of_user} waits or is kept."]
    events = "1 event" if retried.events == 1 else f"{retried.events:,} events"
    users = "1 user" if retried.users == 1 else f"{retried.users:,} users"
    return [
        f"{events} of {users}: a running service sends them within {_WITHIN}, if the destination "
        "accepts events by then."
    ]


def _require_events(settings: Settings) -> None:
    if not settings.of(EventSettings).events:
        raise CommandError(NOT_SENT)


def _call(settings: Settings, call: Callable[[UseCases], Awaitable[T]]) -> T:
    with explain_errors():
        return call_with_use_cases(settings, call, [EVENT_RECORDS])


async def _find_user_id(settings: Settings, use_cases: UseCases, text: str) -> str:
    """Return the id of the user that a text means, also of a deleted user.

    Raises:
        InvalidArgument
        CommandError: nobody was found, or several were.
        StorageError
    """
    user = await find_one(use_cases.administration.find_user, parse_readings(settings, text))
    if user.identity is None:
        raise CommandError(NO_ACCOUNT)
    return user.identity.id


def _is_kept(event: WaitingEvent) -> bool:
    return event.next_attempt_at is None


def _render(event: WaitingEvent, labels: Mapping[str, str]) -> str:
    parts = [
        event.id,
        event.type.value,
        _format_time(event.occurred_at),
        event.user_id,
        labels.get(event.destination, _REMOVED),
        f"failures: {event.failures}",
    ]
    if event.next_attempt_at is None:
        parts.append("kept: dialtone events retry")
    elif event.next_attempt_at <= datetime.now(UTC):
        parts.append(f"next attempt within {_WITHIN}")
    else:
        parts.append(f"next attempt {_format_time(event.next_attempt_at)}")
    return "  ".join(parts)


def _to_json(events: Sequence[WaitingEvent], labels: Mapping[str, str]) -> str:
    from msgspec import json

    from entrypoints.http.fields import format_timestamp

    described = [
        {
            "id": event.id,
            "type": event.type.value,
            "time": format_timestamp(event.occurred_at),
            "user_id": event.user_id,
            "destination": labels.get(event.destination),
            "failures": event.failures,
            "next_attempt_at": event.next_attempt_at and format_timestamp(event.next_attempt_at),
        }
        for event in events
    ]
    return json.encode(described).decode()


def _format_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
