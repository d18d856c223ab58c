"""The repositories of the core. Those with more methods have a module each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.administration import AuditLog
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.system import HealthCheck
from application.ports.versioned import ExpiringRecords
from domain.instance import Instance
from domain.otp.delivery import DeliveryReport


class Leases(Protocol):
    """Named leases that all instances on one database share. They end by themselves."""

    async def acquire(self, name: str, now: datetime, expires_at: datetime) -> bool:
        """Acquire the lease until `expires_at`, and return whether that succeeded.

        Of all instances that try at the same time exactly one succeeds, and none while the lease
        is held. A lease whose end lies more than `CLOCK_SKEW` after the requested one comes from
        a clock that was set back since; it does not count.

        Raises:
            StorageError
        """
        ...


@dataclass(frozen=True, slots=True)
class Repositories:
    """The repositories of the core. A database is replaced as a whole, with those of features."""

    phone_verifications: PhoneVerifications
    identities: Identities
    delivery_reports: ExpiringRecords[DeliveryReport]
    audit_log: AuditLog
    leases: Leases
    instances: ExpiringRecords[Instance]
    health: HealthCheck
