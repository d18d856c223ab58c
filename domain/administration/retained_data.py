"""What remains of a deleted account, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.administration.audit import AUDIT_RETENTION
from domain.identities.identity import USERNAME_RESERVATION

CLEANUP_PERIOD: Final = timedelta(hours=1)
"""Maximum time until a running cleanup deletes the data of a deleted account."""


@dataclass(frozen=True, slots=True)
class RetainedData:
    """What remains, why, and until when; None if it is kept for ever, or the time is not known.

    `is_cleaned_up` is whether the next cleanup deletes it, mostly long before that time.
    """

    data: str
    reason: str
    until: datetime | None
    is_cleaned_up: bool = False


def list_retained_data(
    deleted_at: datetime, cleaned_up: Sequence[str] = (), others: Sequence[RetainedData] = ()
) -> tuple[RetainedData, ...]:
    """Return what remains of an account that was deleted at this time."""
    *first, last = "sessions", "phone number", *cleaned_up
    return (
        RetainedData(
            f"{', '.join(first)} and {last}",
            "deleted by the next cleanup, at this time at the latest",
            deleted_at + CLEANUP_PERIOD,
            is_cleaned_up=True,
        ),
        RetainedData(
            "username",
            f"nobody gets it before; after {USERNAME_RESERVATION.days} days it is free for "
            "everybody, its former owner too",
            deleted_at + USERNAME_RESERVATION,
        ),
        RetainedData(
            "limits of codes, by a keyed hash of the phone number",
            "deleting an account resets no limit",
            deleted_at + timedelta(days=30),
        ),
        *others,
        RetainedData(
            "audit entries: what operators did with the account",
            "operators can be held to account",
            deleted_at + AUDIT_RETENTION,
        ),
        RetainedData(
            "the id of the account, and when it was created, deleted and cleaned up",
            "an id is never used again",
            None,
        ),
        RetainedData(
            "a block of the phone number, until an operator lifts it",
            "deleting an account lifts no block",
            None,
        ),
        RetainedData(
            "backups and logs, as long as the operator keeps them", "recovery, security", None
        ),
    )
