"""Build the use cases of operations: readiness, the cleanup, and the records of processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.operations.check_readiness import CheckedPart, CheckReadiness
from application.operations.cleanup import Cleanup, OperationsAdditions, ScheduledCleanup
from application.operations.compare_clocks import CompareClocks, ReadTime
from application.operations.instances import KeepInstance
from application.ports.keys import KeyRing
from application.ports.repositories import Repositories
from application.ports.system import HealthCheck, SystemPorts
from domain.token_issuers import TokenIssuers


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsPorts:
    """What operations need of the outside world, besides the database.

    `is_database_shared` is whether other machines use the database too.
    """

    disk_health: HealthCheck | None = None
    is_database_shared: bool = False
    program_version: str = ""
    issuers: TokenIssuers = TokenIssuers()
    key_rings: Mapping[str, KeyRing] = field(default_factory=dict)
    read_time: ReadTime | None = None


class OperationsUseCases:
    """The use cases of operations."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: OperationsPorts,
        additions: OperationsAdditions,
    ) -> None:
        clock = system.clock
        self.compare_clocks = ports.read_time and CompareClocks(ports.read_time, clock)
        own = {"disk": ports.disk_health, "clock": self.compare_clocks}
        self.check_readiness = CheckReadiness(
            database=repositories.health,
            is_database_shared=ports.is_database_shared,
            parts={
                **{name: CheckedPart(part) for name, part in own.items() if part is not None},
                **additions.checked_parts,
            },
        )
        self.key_rings = ports.key_rings
        self.cleanup = Cleanup(repositories, clock, additions)
        self.scheduled_cleanup = ScheduledCleanup(self.cleanup, repositories.leases, clock)
        self.instance = KeepInstance(
            repositories.instances,
            system.randomness,
            clock,
            ports.program_version,
            ports.issuers,
        )
