"""Build the use cases of events from their destinations and the database."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from application.features.events.operator_events import OperatorEvents
from application.features.events.ports import EventDestination
from application.features.events.send_events import SendEvents
from application.use_cases import UseCases


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsPorts:
    """Where events go, by the stored name of each destination; nowhere without one."""

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


class EventsFeature:
    """What sends events."""

    def __init__(self, core: UseCases, ports: EventsPorts, policy: EventsPolicy) -> None:
        identities, clock = core.repositories.identities, core.system.clock
        self.destinations = ports.destinations
        self.send = SendEvents(
            identities=identities,
            leases=core.repositories.leases,
            destinations=ports.destinations,
            clock=clock,
            with_phone=policy.events_with_phone,
        )
