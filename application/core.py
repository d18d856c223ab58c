"""What all use cases are built of, and those of the features that are open."""

from typing import TypeVar

from application.identities.feature import IdentitiesFeature, IdentitiesPolicy, IdentitiesPorts
from application.limits.actor_limits import ActorLimits
from application.operations.feature import OperationsFeature, OperationsPorts
from application.ports.keyed_hashes import KeyedHashes
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.record_act import RecordAct

T = TypeVar("T")


class FeatureNotOpen(LookupError):
    """A use case was called whose feature the program has not opened."""


class Core:
    """Identities and operations. A feature adds its use cases, which are found by their class."""

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
        self.identities = IdentitiesFeature(
            system,
            repositories,
            identities,
            policy,
            keyed_hashes,
            self.record_act,
        )
        self.operations = OperationsFeature(system, repositories, operations)
        self._features: dict[type, object] = {}

    def add(self, feature: object) -> None:
        """Add the use cases of a feature, which is open now."""
        self._features[type(feature)] = feature

    def find(self, feature: type[T]) -> T | None:
        """Return the use cases of a feature; None if it is not open."""
        found = self._features.get(feature)
        return found if isinstance(found, feature) else None

    def of(self, feature: type[T]) -> T:
        """Return the use cases of a feature.

        Raises:
            FeatureNotOpen
        """
        found = self.find(feature)
        if found is None:
            raise FeatureNotOpen(f"{feature.__name__} is not open")
        return found
