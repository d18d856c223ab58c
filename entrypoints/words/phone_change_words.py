"""Changes of the phone number of a user in words, for `dialtone` and the web console."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from application.administration.show_user import UserDetails
from application.phone_change.details import PhoneChangeDetails
from domain.identities.phone_change import PhoneChange, PhoneChangeStep
from entrypoints.words.user_rows import UserRow, UserRowPlace
from entrypoints.words.user_words import format_time

_STEPS: Final = {
    PhoneChangeStep.ASSIGN: "the new number is assigned",
    PhoneChangeStep.RELEASE: "the former number is released",
    PhoneChangeStep.NOTIFY: "the former number gets a message",
}


def phone_change_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return the rows about changes of the number, and until when they can be undone."""
    shown, rows = details.parts.find(PhoneChangeDetails), list[UserRow]()
    if shown is None:
        return ()
    if shown.change is not None:
        change = _describe_change(shown.change)
        rows.append(UserRow(place=UserRowPlace.ACCOUNT, label="number changes", value=change))
    if shown.undo_deadlines:
        undo = _describe_undo(shown.undo_deadlines)
        rows.append(UserRow(place=UserRowPlace.PHONE, label="undo possible", value=undo))
    if shown.allowed_at is not None:
        next_change = _describe_next_change(shown.allowed_at)
        rows.append(UserRow(place=UserRowPlace.PHONE, label="next change", value=next_change))
    return rows


def _describe_change(change: PhoneChange) -> str:
    """Say what is done next for a change of the phone."""
    kind = "an undo" if change.is_undo else "a change"
    if change.is_disown:
        kind = "an undo, because the owner of the number disowned the account,"
    since = format_time(change.started_at)
    return f"{kind} is under way since {since}; next: {_STEPS[change.step]}"


def _describe_undo(deadlines: Sequence[datetime]) -> str:
    """Say until when changes of the phone can be undone."""
    return f"by a former number, until {', '.join(map(format_time, deadlines))}"


def _describe_next_change(allowed_at: datetime) -> str:
    """Say from when on the owner can change the phone again."""
    return f"by the owner from {format_time(allowed_at)} on: the last one was undone"
