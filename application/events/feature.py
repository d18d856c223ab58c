"""Events of users build themselves: from their destinations and the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.events.operator_events import OperatorEvents
from application.events.send_events import SendEvents
from application.ports.events import EventDestination
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsPorts:
    """Where events go, by the stored name of each destination; nowhere without one."""

    destinations: Mapping[str, EventDestination] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsPolicy:
    """Whether an event has the number of its user."""

    events_with_phone: bool = False


class EventsFeature:
    """The use cases of events."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: EventsPorts,
        policy: EventsPolicy,
    ) -> None:
        self.destinations = ports.destinations
        self.send = SendEvents(
            identities=repositories.identities,
            leases=repositories.leases,
            destinations=ports.destinations,
            clock=system.clock,
            with_phone=policy.events_with_phone,
        )
        self.operator_events = OperatorEvents(
            identities=repositories.identities,
            destinations=ports.destinations,
            clock=system.clock,
        )
