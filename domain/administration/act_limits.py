"""How often people of the staff and service tokens act for others: the table of all acts.

An act counts when its audit entry is written. Commands have no limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.administration.audit import AuditAction
from domain.otp.sliding_window import SlidingWindow

ACTS_OF_PERSON_IN_HOUR: Final = SlidingWindow(60, timedelta(hours=1))
ACTS_OF_PERSON_IN_DAY: Final = SlidingWindow(300, timedelta(days=1))
ACTS_OF_TOKEN_IN_HOUR: Final = SlidingWindow(600, timedelta(hours=1))
ACTS_OF_TOKEN_IN_DAY: Final = SlidingWindow(3_000, timedelta(days=1))
ITEMS_IN_HOUR: Final = SlidingWindow(600, timedelta(hours=1))
ITEMS_IN_DAY: Final = SlidingWindow(3_000, timedelta(days=1))
DATA_OF_TOKEN_IN_HOUR: Final = SlidingWindow(10_000, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class ActLimit:
    """How often a person, and a service token, does acts that count together."""

    of_person: Mapping[str, SlidingWindow]
    of_token: Mapping[str, SlidingWindow]


HARM: Final = ActLimit(
    of_person={"in_hour": ACTS_OF_PERSON_IN_HOUR, "in_day": ACTS_OF_PERSON_IN_DAY},
    of_token={"in_hour": ACTS_OF_TOKEN_IN_HOUR, "in_day": ACTS_OF_TOKEN_IN_DAY},
)
"""What harms users, or opens a door, in the wrong hands."""
_OF_ITEMS: Final = {"items_in_hour": ITEMS_IN_HOUR, "items_in_day": ITEMS_IN_DAY}
ITEMS: Final = ActLimit(of_person=_OF_ITEMS, of_token=_OF_ITEMS)
"""What is done to items of the library: a moderator has many on a bad day."""
DATA: Final = ActLimit(of_person=HARM.of_person, of_token={"data_in_hour": DATA_OF_TOKEN_IN_HOUR})
"""What a backend writes all day."""

LIMITS_OF_ACTS: Final[Mapping[AuditAction, ActLimit | None]] = {
    AuditAction.VIEW_PHONE: None,  # reads: a token has limits of its own for full numbers
    AuditAction.EXPORT: None,
    AuditAction.LISTEN: None,
    AuditAction.LIST_USERS: None,
    AuditAction.RESET_LIMITS: HARM,
    AuditAction.BLOCK: HARM,
    AuditAction.UNBLOCK: HARM,
    AuditAction.SIGN_OUT: HARM,
    AuditAction.END_SESSION: HARM,
    AuditAction.DELETE: HARM,
    AuditAction.PROMOTE: HARM,
    AuditAction.DEMOTE: HARM,
    AuditAction.RENAME: HARM,
    AuditAction.DETACH: HARM,
    AuditAction.CHANGE_PHONE: HARM,
    AuditAction.CREATE_USER: HARM,
    AuditAction.UPLOAD_ITEM: ITEMS,
    AuditAction.CHANGE_ITEM: ITEMS,
    AuditAction.DELETE_ITEM: ITEMS,
    AuditAction.HIDE_ITEM: ITEMS,
    AuditAction.UNHIDE_ITEM: ITEMS,
    AuditAction.SET_EXTERNAL_ID: DATA,  # another one in place of one is `HARM`
    AuditAction.SET_APP_DATA: DATA,
    AuditAction.SET_CLAIMS: DATA,
    AuditAction.ADD_BLOCK: HARM,
    AuditAction.END_BLOCK: HARM,
    AuditAction.IMPORT_USERS: None,  # by commands
    AuditAction.IMPORT_ITEMS: None,
    AuditAction.CREATE_TOKEN: None,
    AuditAction.REVOKE_TOKEN: None,
    AuditAction.ADD_PASSKEY: None,
    AuditAction.INVITE_PASSKEY: HARM,
    AuditAction.REMOVE_PASSKEY: None,
}
"""The limit that each act counts on; None for reads, and for acts of commands and owners."""
