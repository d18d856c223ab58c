"""What a feature needs to open itself."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.records.database import Database
from adapters.records.phone_encryption import PhoneEncryption
from application.ports.system import SystemPorts
from application.security_events import SecurityEventListeners
from application.use_cases import UseCases
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.keys.keys import SecretKeys
    from adapters.metrics.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The core that was opened, to which a feature adds its use cases.

    Attributes:
        settings: All settings.
        system: The clock, randomness and the security events.
        listeners: Who gets the security events; a feature may add its own.
        keys: The keys.
        phone_encryption: Encrypts phones, and makes keyed hashes.
        database: The stores of which a feature makes its repositories.
        use_cases: The use cases of the core and of the features that were opened before.
        metrics: Measure the adapters; None without metrics.
        stack: Closes at the end what was entered.
        is_service: Whether the service is opened, and not a command.
    """

    settings: Settings
    system: SystemPorts
    listeners: SecurityEventListeners
    keys: "SecretKeys"
    phone_encryption: PhoneEncryption
    database: Database
    use_cases: UseCases
    metrics: "Metrics | None"
    stack: AsyncExitStack
    is_service: bool
