"""All repositories of a database."""

from dataclasses import dataclass

from application.ports.calls import CallCleanup, CallPages, Calls
from application.ports.delivery_reports import DeliveryReports
from application.ports.idempotency_keys import IdempotencyKeys
from application.ports.identities import DeletedIdentities, Identities
from application.ports.leases import Leases
from application.ports.media_items import MediaCleanup, MediaItems, MediaPages
from application.ports.media_usages import MediaUsages
from application.ports.phone_verifications import PhoneVerifications
from application.ports.rate_limiter import RateLimiter
from application.ports.system import HealthCheck


@dataclass(frozen=True, slots=True)
class Repositories:
    """All repositories of one database. A database is replaced as a whole."""

    phone_verifications: PhoneVerifications
    rate_limiter: RateLimiter
    identities: Identities
    deleted_identities: DeletedIdentities
    media_items: MediaItems
    media_pages: MediaPages
    media_cleanup: MediaCleanup
    media_usages: MediaUsages
    idempotency_keys: IdempotencyKeys
    calls: Calls
    call_pages: CallPages
    call_cleanup: CallCleanup
    delivery_reports: DeliveryReports
    leases: Leases
    health: HealthCheck
