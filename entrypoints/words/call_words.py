"""The calls of a user in words, for `dialtone`."""

from collections.abc import Sequence

from application.administration.show_user import UserDetails
from application.voice.details import CallDetails
from domain.voice.call import Call
from entrypoints.words.user_rows import UserRow, UserRowPlace
from entrypoints.words.user_words import format_time


def call_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return the list of the last calls."""
    shown = details.parts.find(CallDetails)
    if shown is None:
        return ()
    calls = shown.calls
    return [
        UserRow(
            place=UserRowPlace.END,
            label="last calls",
            value=str(len(calls)),
            items=[_describe_call(call) for call in calls],
        )
    ]


def _describe_call(call: Call) -> str:
    seconds = f", {call.duration.total_seconds():.0f} s" if call.duration else ""
    outcome = f", {call.outcome.value}" if call.outcome else ""
    started_at = format_time(call.started_at)
    return f"{started_at} {call.direction.value} {call.status.value}{seconds}{outcome}"
