"""What callers that are no people may do, and how often."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.otp.sliding_window import SlidingWindow

PHONE_CHANGES_PER_TOKEN: Final = SlidingWindow(20, timedelta(days=1))
"""Also those that failed: a stolen token does not move many accounts, or find out who has one."""
PHONES_PER_TOKEN: Final = SlidingWindow(1_000, timedelta(days=1))
"""Full phone numbers: a stolen token does not copy all of them."""


class Scope(StrEnum):
    """What a service token may do. No scope allows to make tokens, or to change roles."""

    READ_USERS = "users:read"
    LIST_USERS = "users:list"
    READ_PHONES = "users:phone"
    SUPPORT_USERS = "users:support"
    CHANGE_PHONES = "users:change-phone"
    SET_USER_DATA = "users:data"
    DELETE_USERS = "users:delete"
    EXPORT_USERS = "users:export"
    READ_AUDIT = "audit:read"
    READ_COSTS = "costs:read"
    READ_STATISTICS = "statistics:read"
    READ_RULES = "rules:read"
    WRITE_RULES = "rules:write"
