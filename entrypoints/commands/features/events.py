"""`dialtone events`: events that a destination has not accepted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

import click
from msgspec import json

from application.features.events.operator_events import RetriedEvents, WaitingEvent
from application.features.events.send_events import SENT_WITHIN
from application.use_cases import UseCases
from entrypoints.commands.shared.command import CommandGroup
from entrypoints.commands.shared.options import (
    ID,
    PHONE,
    USER,
    at_most_one,
    json_option,
    limit_option,
)
from entrypoints.commands.shared.parsing import parse_readings
from entrypoints.commands.shared.use_case_calls import call_with_use_cases
from entrypoints.commands.shared.user_calls import find_one
from entrypoints.features.events import (
    EVENT_RECORDS,
    EventSettings,
    destination_labels,
    send_test,
)
from entrypoints.http.fields import format_timestamp
from entrypoints.settings.declaration import example_line
from entrypoints.settings.rules import Check
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import CommandError, print_errors
from entrypoints.texts.acts import NO_ACCOUNT, format_time

events: Final = CommandGroup(
    "events",
    help="List the events that a destination has not accepted, or send them again.",
    examples=["list --failed", f"list {PHONE}", "retry"],
)
_NO_EVENTS: Final = "No events are recorded or sent, because DIALTONE_EVENTS is not set."
_user_argument: Final = click.argument(
    "user", metavar="USER", required=False, help=f"Only those of this user: {USER}."
)


@events.command("list", examples=["", "--failed --limit 200", f"{ID} --json"])
@_user_argument
@click.option("--failed", is_flag=True, help="Only those that are kept after three days.")
@limit_option("events")
@json_option
def list_events(
    settings: Settings, user: str | None, limit: int, *, failed: bool, as_json: bool
) -> Iterable[str]:
    """List the events that failed for three days and are kept, and those that wait."""

    async def find_events(use_cases: UseCases) -> Sequence[WaitingEvent]:
        operator_events = EVENT_RECORDS.of(use_cases).records.operator_events
        if user is not None:
            listed = await operator_events.list_of(await _find_user_id(settings, use_cases, user))
            return [event for event in listed if not failed or event.next_attempt_at is None]
        # Load one more, to know whether there are more.
        kept = await operator_events.list_failed(limit + 1)
        waiting = () if failed else await operator_events.list_waiting(limit + 1)
        # Without a destination, one may be in both.
        return [*dict.fromkeys([*kept, *waiting])]

    found = call_with_use_cases(settings, find_events, [EVENT_RECORDS])
    if not found:
        _require_events(settings)
    elif not settings.of(EventSettings).events:
        print_errors(f"{_NO_EVENTS} These wait until it is set again.")
    if len(found) > limit:
        print_errors(f"These are the first {limit}: --limit shows more.")
    labels = destination_labels(settings.of(EventSettings).events)
    if as_json:
        return [_to_json(event, labels) for event in found[:limit]]
    if not found:
        return ["No event is kept." if failed else "No event waits or is kept."]
    return [_render(event, labels) for event in found[:limit]]


@events.command(examples=["", PHONE])
@_user_argument
@click.option("--all", "is_all", is_flag=True, help="Those of all users (the default).")
def retry(settings: Settings, user: str | None, *, is_all: bool) -> Iterable[str]:
    """Let events be sent again, from now on for three days more.

    A running service sends them within 30 seconds.
    """
    at_most_one(USER=user, all=is_all)
    _require_events(settings)

    async def retry_events(use_cases: UseCases) -> RetriedEvents:
        operator_events = EVENT_RECORDS.of(use_cases).records.operator_events
        if user is None:
            return await operator_events.retry_all()
        return await operator_events.retry(await _find_user_id(settings, use_cases, user))

    retried = call_with_use_cases(settings, retry_events, [EVENT_RECORDS])
    if not retried.events:
        return [f"No event{'' if user is None else ' of this user'} waits or is kept."]
    number = "1 event" if retried.events == 1 else f"{retried.events:,} events"
    users = "1 user" if retried.users == 1 else f"{retried.users:,} users"
    return [
        f"{number} of {users}: a running service sends them within {_within()}, if the destination "
        "accepts events by then."
    ]


def _require_events(settings: Settings) -> None:

    if not settings.of(EventSettings).events:
        raise CommandError(
            f"{_NO_EVENTS} It names where they go, see docs/hooks.md. "
            f"{example_line(EventSettings, 'DIALTONE_EVENTS')}"
        )


async def _find_user_id(settings: Settings, use_cases: UseCases, text: str) -> str:
    """Return the id of the user that a text means, also of a deleted user.

    Raises:
        CommandError: no user was found, or several were.
    """
    user = await find_one(use_cases.administration.find_user, parse_readings(settings, text))
    if user.identity is None:
        raise CommandError(NO_ACCOUNT)
    return user.identity.id


def _within() -> str:

    return f"{int(SENT_WITHIN.total_seconds())} seconds"


def _render(event: WaitingEvent, labels: Mapping[str, str]) -> str:

    if not labels:
        next_attempt = "not sent: DIALTONE_EVENTS is not set"
    elif event.next_attempt_at is None:
        next_attempt = "kept: dialtone events retry"
    elif event.next_attempt_at <= datetime.now(UTC):
        next_attempt = f"next attempt within {_within()}"
    else:
        next_attempt = f"next attempt {format_time(event.next_attempt_at)}"
    parts = (
        event.id,
        event.type.value,
        format_time(event.occurred_at),
        event.user_id,
        labels.get(event.destination, "(not in DIALTONE_EVENTS now)"),
        f"failures: {event.failures}" + (f" ({event.failure_reason})" * bool(event.failure_reason)),
        next_attempt,
    )
    return "  ".join(parts)


def _to_json(event: WaitingEvent, labels: Mapping[str, str]) -> str:

    described = {
        "id": event.id,
        "type": event.type.value,
        "time": format_timestamp(event.occurred_at),
        "user_id": event.user_id,
        "destination": labels.get(event.destination),
        "failures": event.failures,
        "failure_reason": event.failure_reason or None,
        "next_attempt_at": event.next_attempt_at and format_timestamp(event.next_attempt_at),
    }
    return json.encode(described).decode()


def _send_tests(settings: Settings) -> Mapping[str, Check]:

    _require_events(settings)
    events = settings.of(EventSettings)
    return {
        f"events {destination!s}": partial(send_test, destination, events)
        for destination in events.events
    }


SEND_TEST: Final = click.Option(
    ["--send-test"],
    flag_value=_send_tests,
    help="Also send an event dialtone.test to each destination of DIALTONE_EVENTS; implies "
    "--connect.",
)
