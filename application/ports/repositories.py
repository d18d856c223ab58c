"""All repositories of a database. Those with more methods have a module each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.administration import AuditLog, ServiceTokens
from application.ports.console import ConsoleSessions
from application.ports.costs import DailyCostsRepository
from application.ports.identities import Identities
from application.ports.limits import LimitStore
from application.ports.media import MediaItems
from application.ports.otp import PhoneVerifications
from application.ports.phone_change import PhoneAssignmentsRepository
from application.ports.statistics import HourlyCountsRepository
from application.ports.system import HealthCheck
from application.ports.versioned import DeletableRecords, Records, Versioned
from application.ports.voice import Calls
from domain.instance import Instance
from domain.media.idempotency import IdempotencyKey
from domain.media.usage import MediaUsage
from domain.otp.delivery_report import DeliveryReport
from domain.otp.unchallenged_attempts import UnchallengedAttempts
from domain.otp.used_attestation import UsedAttestation


class MediaUsages(DeletableRecords[MediaUsage], Protocol):
    """The usage of each user who has uploaded, by the id of the user."""

    async def list_due(self, now: datetime, limit: int) -> Sequence[Versioned[MediaUsage]]:
        """List up to `limit` usages whose `recount_at` has passed.

        Raises:
            StorageError
            CorruptRecord
        """
        ...


class IdempotencyKeys(DeletableRecords[IdempotencyKey], Protocol):
    """Idempotency keys by id."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired keys, and return their number.

        Raises:
            StorageError
        """
        ...


class DeliveryReports(Records[DeliveryReport], Protocol):
    """Delivery reports by id."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired reports, and return their number.

        Raises:
            StorageError
        """
        ...


class UnchallengedAttemptsRepository(Records[UnchallengedAttempts], Protocol):
    """The attempts of IPs at phones while no challenge is active, by id."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired ones, and return their number.

        Raises:
            StorageError
        """
        ...


class UsedAttestations(Records[UsedAttestation], Protocol):
    """The proofs that were used, by their hash."""

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired ones, and return their number.

        Raises:
            StorageError
        """
        ...


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


class Instances(DeletableRecords[Instance], Protocol):
    """The processes of the service that serve, by id."""

    async def find_latest(self) -> Instance | None:
        """Return the one that renewed its record last, whether it lives or not; None without any.

        Raises:
            StorageError
        """
        ...

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` of those that expired, and return their number.

        Raises:
            StorageError
        """
        ...


@dataclass(frozen=True, slots=True)
class Repositories:
    """All repositories of one database. A database is replaced as a whole."""

    phone_verifications: PhoneVerifications
    unchallenged_attempts: UnchallengedAttemptsRepository
    used_attestations: UsedAttestations
    limit_store: LimitStore
    identities: Identities
    phone_assignments: PhoneAssignmentsRepository
    media_items: MediaItems
    media_usages: MediaUsages
    idempotency_keys: IdempotencyKeys
    calls: Calls
    delivery_reports: DeliveryReports
    audit_log: AuditLog
    service_tokens: ServiceTokens
    daily_costs: DailyCostsRepository
    hourly_counts: HourlyCountsRepository
    console_sessions: ConsoleSessions
    leases: Leases
    instances: Instances
    health: HealthCheck
