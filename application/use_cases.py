"""The use cases of the core, and those of the features that are open."""

from application.administration.use_cases import AdministrationUseCases
from application.base_use_cases import Core
from application.identities.use_cases import IdentitiesPolicy, IdentitiesPorts
from application.operations.use_cases import OperationsPorts
from application.ports.keyed_hashes import KeyedHashes
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts


class UseCases(Core):
    """The core, with what operators do."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        keyed_hashes: KeyedHashes,
        identities: IdentitiesPorts,
        operations: OperationsPorts,
        policy: IdentitiesPolicy,
    ) -> None:
        super().__init__(system, repositories, keyed_hashes, identities, operations, policy)
        self.administration = AdministrationUseCases(
            system, repositories, keyed_hashes, self.identities, self.record_act
        )
