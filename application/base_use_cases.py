"""What all use cases are built of, and those of the features that are open."""

from typing import TypeVar

from application.identities.use_cases import IdentitiesPolicy, IdentitiesPorts, IdentityUseCases
from application.limits.actor_limits import ActorLimits
from application.operations.use_cases import OperationsPorts, OperationsUseCases
from application.ports.keyed_hashes import KeyedHashes
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.record_act import RecordAct

T = TypeVar("T")


class UseCasesNotOpen(LookupError):
    """Use cases were asked for that this program has not opened."""


class Core:
    """Identities and operations. Further use cases are added, and found by their class."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        keyed_hashes: KeyedHashes,
        identities: IdentitiesPorts,
        operations: OperationsPorts,
        policy: IdentitiesPolicy,
    ) -> None:
        self.system = system
        self.repositories = repositories
        self.keyed_hashes = keyed_hashes
        self.actor_limits = ActorLimits(system.clock, system.events)
        self.record_act = RecordAct(
            repositories.audit_log,
            self.actor_limits,
            system.clock,
            system.randomness,
            system.events,
        )
        self.identities = IdentityUseCases(
            system,
            repositories,
            identities,
            policy,
            keyed_hashes,
            self.record_act,
        )
        self.operations = OperationsUseCases(system, repositories, operations)
        self._added: dict[type, object] = {}

    def add(self, use_cases: object) -> None:
        self._added[type(use_cases)] = use_cases

    def find(self, kind: type[T]) -> T | None:
        """Return the use cases of this class; None if they are not open."""
        found = self._added.get(kind)
        return found if isinstance(found, kind) else None

    def of(self, kind: type[T]) -> T:
        """Return the use cases of this class.

        Raises:
            UseCasesNotOpen
        """
        found = self.find(kind)
        if found is None:
            raise UseCasesNotOpen(f"{kind.__name__} is not open")
        return found
