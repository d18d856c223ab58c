"""Where events of users go."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from application.ports.errors import PortError
from domain.identities.user_events import EventType

MAX_EVENT_ID_LENGTH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as a destination gets it.

    Attributes:
        id: The same each time it is sent, and that of no other event: a receiver that knows it
            drops the repeat. It has at most `MAX_EVENT_ID_LENGTH` letters, digits and `_`.
        type: What happened.
        occurred_at: When, to the millisecond.
        user_id: The id of the user.
        phone: The number of the user as it is now, E.164; None unless the operator wants it sent,
            or where the user has none anymore.
    """

    id: str
    type: EventType
    occurred_at: datetime
    user_id: str
    phone: str | None = None


class EventRejected(PortError):
    """The destination did not accept the event. It is sent again later."""


class EventDestination(Protocol):
    """Takes events.

    An event may come more than once, with the same id: after a lost response, or if the service was
    killed. The events of one user come in their order, those of several at the same time.
    """

    async def send(self, event: Event) -> None:
        """Send an event, and return when the destination has accepted it, within five seconds.

        Raises:
            EventRejected: it has not, or nobody knows. The text says why, for the log.
        """
        ...
