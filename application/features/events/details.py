"""What is shown of a user's events."""

from dataclasses import dataclass

from application.use_cases import UseCases
from domain.identities.identity import Identity
from domain.identities.user_events import UserEvents


@dataclass(frozen=True, slots=True)
class EventDetails:
    """How many events of a user some destination has not accepted, also of a deleted user.

    `failed` ones are kept for the operator, after three days of attempts.
    """

    waiting: int
    failed: int


def add_event_details(core: UseCases) -> None:
    """Let the core show events, which are in the identity."""

    async def load(identity: Identity | None) -> EventDetails:
        return _count_events(identity.events if identity else UserEvents())

    core.administration.details_parts.append(load)


def _count_events(events: UserEvents) -> EventDetails:
    failed = {
        event.number
        for progress in events.progress
        if progress.gave_up_at and events.next_attempt_at(progress.destination) is None
        for event in events.pending(progress.destination)
    }
    return EventDetails(waiting=len(events.unsent) - len(failed), failed=len(failed))
