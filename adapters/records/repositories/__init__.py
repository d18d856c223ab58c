"""The repositories of the core, over a `RecordStore`. Those of features are beside their kinds."""

from adapters.records.database import Database
from adapters.records.identities import IdentityMapping
from adapters.records.kinds import DELIVERY_REPORTS, IDENTITIES, INSTANCES, UNCHALLENGED_ATTEMPTS
from adapters.records.mapping import RecordMapping
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.record_repository import RecordRepository
from adapters.records.repositories.administration import StoredAuditLog
from adapters.records.repositories.identities import StoredIdentities
from adapters.records.repositories.leases import StoredLeases
from adapters.records.repositories.phone_verifications import StoredPhoneVerifications
from application.ports.repositories import Repositories
from domain.instance import Instance
from domain.otp.delivery_report import DeliveryReport
from domain.otp.unchallenged_attempts import UnchallengedAttempts


def make_repositories(
    database: Database,
    encryption: PhoneEncryption,
    *,
    keeps_events: bool = True,
) -> Repositories:
    """Return the repositories of the core over an open database.

    Args:
        database: The database.
        encryption: Encrypts and decrypts phones.
        keeps_events: Whether events of users are recorded: not if they have no destination. Those
            that another process stored stay as they are.
    """
    store = database.records
    identities = IdentityMapping(IDENTITIES, encryption, keeps_events=keeps_events)
    return Repositories(
        phone_verifications=StoredPhoneVerifications(store, encryption),
        unchallenged_attempts=RecordRepository(
            store, RecordMapping(UNCHALLENGED_ATTEMPTS, UnchallengedAttempts), do_ids_return=True
        ),
        identities=StoredIdentities(store, identities),
        delivery_reports=RecordRepository(store, RecordMapping(DELIVERY_REPORTS, DeliveryReport)),
        audit_log=StoredAuditLog(store),
        leases=StoredLeases(store),
        instances=RecordRepository(store, RecordMapping(INSTANCES, Instance), do_ids_return=True),
        health=database.health,
    )
