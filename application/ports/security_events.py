from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.phone import PhoneNumber


class Fact(StrEnum):
    """What can happen to somebody's sign-in; the names are stable, since alerts hang on them.

    When each is told is in docs/security-events.md.
    """

    CODE_ASKED = "code_asked"
    CODE_SENT = "code_sent"
    CODE_WITHHELD = "code_withheld"
    CODE_REFUSED = "code_refused"
    TRY_COUNTED = "try_counted"
    TRIES_SPENT = "tries_spent"
    CODE_VERIFIED = "code_verified"
    TEST_NUMBER_USED = "test_number_used"
    SESSION_REFRESHED = "session_refreshed"
    REFRESH_TOKEN_REFUSED = "refresh_token_refused"  # noqa: S105 - a name, no secret
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - the same
    SIGNED_OUT = "signed_out"
    PHONE_BLOCKED = "phone_blocked"
    PHONE_UNBLOCKED = "phone_unblocked"
    USER_PROMOTED = "user_promoted"
    USER_DEMOTED = "user_demoted"
    USER_DELETED = "user_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent:
    """One fact, about a phone or an identity; `reason` says more in a word or a short sentence.

    A phone is told masked. No code, token or request id is ever part of it.
    """

    fact: Fact
    phone: PhoneNumber | None = None
    address: str | None = None
    identity_id: str | None = None
    reason: str | None = None
    attempts_left: int | None = None


class SecurityEvents(Protocol):
    """Tells operators what happens to people's sign-ins (ASVS 5.0 16.3)."""

    def tell(self, event: SecurityEvent) -> None:
        """Hand the event on; never waits, and never raises."""
        ...
