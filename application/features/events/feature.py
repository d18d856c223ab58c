"""Build the use cases of events, and what is shown of a user's."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from application.additions import Additions
from application.core_ports import CorePorts
from application.features.events.operator_events import OperatorEvents
from application.features.events.send_events import EventDestination, SendEvents
from application.require import require
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


def show_events() -> Additions:
    """Return what shows events, which are in the identity."""

    async def load(identity: Identity | None) -> EventDetails:
        return _count_events(identity.events if identity else UserEvents())

    return Additions(details=(load,))


def _count_events(events: UserEvents) -> EventDetails:
    failed = {
        event.number
        for progress in events.progress
        if progress.gave_up_at and events.next_attempt_at(progress.destination) is None
        for event in events.pending(progress.destination)
    }
    return EventDetails(waiting=len(events.unsent) - len(failed), failed=len(failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsPorts:
    """Destinations of events, by their stored names; empty for none."""

    destinations: Mapping[str, EventDestination] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsPolicy:
    """Whether an event has the number of its user."""

    events_with_phone: bool = False


class EventRecordsFeature:
    """The use cases that need records only, and the stored names of the destinations."""

    def __init__(self, core: UseCases, destinations: Collection[str]) -> None:
        self.operator_events = OperatorEvents(
            identities=core.repositories.identities,
            destinations=destinations,
            clock=core.system.clock,
        )


@dataclass(frozen=True, slots=True)
class Events:
    """What operators do with events, and what sends them, if any."""

    records: EventRecordsFeature
    _sending: "EventsFeature | None" = None

    @property
    def sending(self) -> "EventsFeature":
        return require(self._sending, "the destinations of events are")


class EventsFeature:
    """What sends events."""

    def __init__(self, core_ports: CorePorts, ports: EventsPorts, policy: EventsPolicy) -> None:
        identities, clock = core_ports.repositories.identities, core_ports.system.clock
        self.destinations = ports.destinations
        self.send = SendEvents(
            identities=identities,
            leases=core_ports.repositories.leases,
            destinations=ports.destinations,
            clock=clock,
            with_phone=policy.events_with_phone,
        )
