"""Build the use cases of operations: readiness, the cleanup, and the records of processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.operations.check_readiness import CheckReadiness
from application.operations.cleanup import Cleanup, ScheduledCleanup
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
        self, system: SystemPorts, repositories: Repositories, ports: OperationsPorts
    ) -> None:
        clock = system.clock
        self.check_readiness = CheckReadiness(
            repositories.health, is_database_shared=ports.is_database_shared
        )
        if ports.disk_health is not None:
            self.check_readiness.add("disk", ports.disk_health)
        self.compare_clocks: CompareClocks | None = None
        if ports.read_time is not None:
            self.compare_clocks = CompareClocks(ports.read_time, clock)
            self.check_readiness.add("clock", self.compare_clocks)
        self.key_rings = ports.key_rings
        self.cleanup = Cleanup(repositories, clock)
        self.scheduled_cleanup = ScheduledCleanup(self.cleanup, repositories.leases, clock)
        self.instance = KeepInstance(
            repositories.instances,
            system.randomness,
            clock,
            ports.program_version,
            ports.issuers,
        )
