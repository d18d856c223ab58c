"""Build the use cases of operations: readiness, the cleanup, and the records of processes."""

from dataclasses import dataclass

from application.operations.check_readiness import CheckReadiness
from application.operations.cleanup import Cleanup, ScheduledCleanup
from application.operations.instances import KeepInstance
from application.ports.repositories import Repositories
from application.ports.system import HealthCheck, SystemPorts


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsPorts:
    """What operations need of the outside world, besides the database.

    `disk_health` finds disks that have little space left. `is_database_shared` is whether other
    machines use the database too. The record of each process has the version.
    """

    disk_health: HealthCheck | None = None
    is_database_shared: bool = False
    program_version: str = ""


class OperationsFeature:
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
        self.cleanup = Cleanup(repositories, clock)
        self.scheduled_cleanup = ScheduledCleanup(self.cleanup, repositories.leases, clock)
        self.instance = KeepInstance(
            repositories.instances, system.randomness, clock, ports.program_version
        )
