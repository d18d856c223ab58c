"""Security events, and where use cases report them (ASVS 5.0 16.3)."""

from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from domain.otp.delivery import Channel
from domain.phone import PhoneNumber

EVENT_TYPES: Final[list[type["SecurityEvent"]]] = []
"""All security events that have a name, of the core and of the features that were imported."""


@dataclass(frozen=True, kw_only=True)
class SecurityEvent:
    """What happened to a code, a session, a user or a phone.

    - Its fields are those of its line in the security log, which leaves out an empty one, masks the
      phone, and adds the country and the hash of the day of a phone.
    - What is counted, such as channel and provider, is a field without a default.
    - An event never has a code, a token or the request id of a code.

    Attributes:
        name: The name in the log. It is stable, because alerts depend on it.
            docs/log.md says when each event is recorded.
        is_warning: Whether operators should be warned: of an attack, or of messages that do not
            arrive.
        is_always_logged: Whether it is logged at every level. An operator repeats it by its ids
            after a backup was restored (docs/keys.md).
        max_lines_a_minute: How many lines a process logs of it; None for all. All are counted.
    """

    name: ClassVar[str]
    is_warning: ClassVar[bool] = False
    is_always_logged: ClassVar[bool] = False
    max_lines_a_minute: ClassVar[int | None] = None

    def __init_subclass__(cls) -> None:
        """Add the type to those that have a name."""
        if hasattr(cls, "name"):
            EVENT_TYPES.append(cls)


@dataclass(frozen=True, kw_only=True)
class PhoneEvent(SecurityEvent):
    """What happened to a phone."""

    phone: PhoneNumber

    @property
    def country(self) -> str:
        """The country of the phone."""
        return self.phone.country


@dataclass(frozen=True, kw_only=True)
class RejectionEvent(SecurityEvent):
    """A request or a call was rejected. The limit is empty if something else rejected it."""

    channel: Channel
    limit: str

    @property
    def country(self) -> str:
        """The country of the phone; empty if it is not known."""
        return ""


class SecurityEvents(Protocol):
    """Where use cases report security events."""

    def record(self, event: SecurityEvent) -> None:
        """Record an event; never waits and never raises."""
        ...
