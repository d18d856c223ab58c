"""What a feature needs to open itself."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.records.database import Database
from adapters.records.phone_encryption import PhoneEncryption
from application.ports.system import SystemPorts
from application.use_cases import UseCases
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.key_file.keys import SecretKeys
    from adapters.metrics.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The core that was opened, to which a feature adds its use cases.

    Attributes:
        settings: All settings.
        system: The clock, randomness and the security events.
        keys: The keys.
        phone_encryption: Encrypts phones, and makes keyed hashes.
        database: The stores of which a feature makes its repositories.
        use_cases: Those of the core and of the features that were opened before.
        metrics: Measure the adapters; None without metrics.
        stack: Closes at the end what was entered.
    """

    settings: Settings
    system: SystemPorts
    keys: "SecretKeys"
    phone_encryption: PhoneEncryption
    database: Database
    use_cases: UseCases
    metrics: "Metrics | None"
    stack: AsyncExitStack
