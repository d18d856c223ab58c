"""What operators do with events: list those that wait or failed, and send them again."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from application.features.events.send_events import BATCH_SIZE, event_id
from application.pacing import Pace, call_in_groups
from application.ports.identities import Identities
from application.ports.system import Clock
from application.ports.versioned import Versioned
from application.update import change
from domain.errors import UserNotFound
from domain.identities.identity import Identity
from domain.identities.user_events import EventType, UserEvents

_WAITING_PERIOD: Final = timedelta(days=1)
"""The delays and pauses of all events that wait are shorter."""
_NO_DESTINATION: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEvent:
    """An event that a destination has not accepted.

    Attributes:
        destination: The stored name of the destination, which may be one of former settings; empty
            if there is none.
        failures: How often it failed in a row, or an earlier event of the user did.
        next_attempt_at: When it is sent; None if it is kept for the operator.
    """

    id: str
    type: EventType
    occurred_at: datetime
    user_id: str
    destination: str
    failures: int
    failure_reason: str
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class RetriedEvents:
    """How many events of how many users are sent again."""

    events: int
    users: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorEvents:
    """List the events that wait, and send them again.

    `destinations` are their stored names: nothing is sent here.
    """

    identities: Identities
    destinations: Collection[str]
    clock: Clock

    async def list_failed(self, limit: int) -> Sequence[WaitingEvent]:
        """List up to `limit` events that are kept for the operator, those of a user together."""
        identities = await self.identities.list_with_failed_events(limit)
        return [event for event in self._list_all(identities) if event.next_attempt_at is None][
            :limit
        ]

    async def list_waiting(self, limit: int) -> Sequence[WaitingEvent]:
        """List up to `limit` events that are sent by themselves, the next user first.

        Without a destination, they are sent when there is one again.
        """
        until = self.clock.now() + _WAITING_PERIOD
        identities = await self.identities.list_with_due_events(until, limit)
        return [
            event
            for event in self._list_all(identities)
            if event.next_attempt_at is not None or not self.destinations
        ][:limit]

    async def list_of(self, identity_id: str) -> Sequence[WaitingEvent]:
        """List all events of a user that wait or failed, also of a deleted user.

        Raises:
            UserNotFound
        """
        loaded = await self.identities.load(identity_id)
        if loaded is None:
            raise UserNotFound
        return self._list_all([loaded])

    async def retry(self, identity_id: str) -> RetriedEvents:
        """Let the events of a user be sent now, whether they wait or are kept.

        Raises:
            UserNotFound
        """
        now = self.clock.now()

        def retry(identity: Identity) -> tuple[Identity, Identity]:
            retried = replace(identity, events=identity.events.retry(now))
            return retried, retried

        identity = await change(self.identities, identity_id, retry, missing=UserNotFound)
        return self._count(identity)

    async def retry_all(self) -> RetriedEvents:
        """Let all events be sent now, whether they wait or are kept.

        It may be interrupted and repeated.
        """
        retried, pace = dict[str, RetriedEvents](), Pace()
        # A user who is retried is not found again.
        while found := await self.identities.list_with_failed_events(BATCH_SIZE):
            await self._retry([loaded.value.id for loaded in found], retried)
            await pace.pause()
        # What a service sends meanwhile leaves the list, so that others move to a place that was
        # read already: the list is read again until no user is new.
        known = -1
        while known < len(retried):
            known = len(retried)
            async for users in self._list_waiting():
                now = self.clock.now()
                new = [user for user in users if user.id not in retried]
                # What is due already is left to the service.
                retried |= {user.id: self._count(user) for user in new if _is_due(user, now)}
                await self._retry([user.id for user in new if not _is_due(user, now)], retried)
        return RetriedEvents(
            sum(result.events for result in retried.values()),
            sum(result.users for result in retried.values()),
        )

    async def _retry(self, ids: Sequence[str], retried: dict[str, RetriedEvents]) -> None:
        retried |= zip(ids, await call_in_groups(self.retry, ids), strict=True)

    async def _list_waiting(self) -> AsyncIterator[Sequence[Identity]]:
        until = self.clock.now() + _WAITING_PERIOD
        pace, offset = Pace(), 0
        while found := await self.identities.list_with_due_events(until, BATCH_SIZE, offset):
            yield [loaded.value for loaded in found]
            offset += len(found)
            await pace.pause()

    def _count(self, identity: Identity) -> RetriedEvents:
        pending = [identity.events.pending(name) for name in self.destinations]
        events = len({event.number for group in pending for event in group})
        return RetriedEvents(events, 1 if events else 0)

    def _list_all(self, found: Sequence[Versioned[Identity]]) -> Sequence[WaitingEvent]:
        return [event for loaded in found for event in self._list_of(loaded.value)]

    def _list_of(self, identity: Identity) -> Sequence[WaitingEvent]:
        events = identity.events
        # Events that a destination of former settings did not accept stay until the next attempt.
        former = [progress.destination for progress in events.progress]
        return [
            WaitingEvent(
                id=event_id(identity.id, event.number),
                type=event.type,
                occurred_at=event.occurred_at,
                user_id=identity.id,
                destination=name,
                failures=events.progress_of(name).failures,
                failure_reason=events.progress_of(name).failure_reason,
                next_attempt_at=self._next_attempt_at(events, name),
            )
            for name in dict.fromkeys([*self.destinations, *former]) or [_NO_DESTINATION]
            for event in events.pending(name)
        ]

    def _next_attempt_at(self, events: UserEvents, destination: str) -> datetime | None:
        """Return when a destination gets the events; None if only an operator's retry sends them.

        A destination that was set later gets them with the next attempt for any destination.
        """
        if destination not in self.destinations:
            return None
        attempt_at, send_at = events.next_attempt_at(destination), events.next_send_at
        return max(attempt_at, send_at) if attempt_at and send_at else None


def _is_due(identity: Identity, now: datetime) -> bool:
    send_at = identity.events.next_send_at
    return send_at is None or send_at <= now
