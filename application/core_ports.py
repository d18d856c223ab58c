"""What the core and the features are built of: their outside world, but for ports of their own."""

from dataclasses import dataclass

from application.identities.use_cases import IdentitiesPolicy
from application.ports.keyed_hashes import KeyedHashes
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts


@dataclass(frozen=True, slots=True, kw_only=True)
class CorePorts:
    """What both are built of."""

    system: SystemPorts
    repositories: Repositories
    keyed_hashes: KeyedHashes
    policy: IdentitiesPolicy
