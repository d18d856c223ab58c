"""Records in which each field has a value other than its default, and each kind of value occurs.

They are those of the golden file, which no later version changes. No service makes all of them: an
identity is not blocked and deleted, for example.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from adapters.records.features.admin import SERVICE_TOKENS
from adapters.records.features.attestation import USED_ATTESTATIONS
from adapters.records.features.console import CONSOLE_SESSIONS
from adapters.records.features.media import IDEMPOTENCY_KEYS, MEDIA_ITEMS, MEDIA_USAGES
from adapters.records.features.phone_change import PHONE_ASSIGNMENTS, PhoneAssignmentsMapping
from adapters.records.features.statistics import DAILY_COSTS, HOURLY_COUNTS
from adapters.records.features.voice import CALLS, CallMapping
from adapters.records.identities import IdentityMapping
from adapters.records.kinds import (
    AUDIT_ENTRIES,
    DELIVERY_REPORTS,
    IDENTITIES,
    INSTANCES,
    LEASES,
    PHONE_VERIFICATIONS,
    UNCHALLENGED_ATTEMPTS,
)
from adapters.records.leases import LeaseRecord
from adapters.records.limits import LIMITS, LimitRecord
from adapters.records.mapping import RecordMapping
from adapters.records.phone_verifications import PhoneVerificationMapping
from domain.administration.audit import AuditEntry
from domain.administration.service_token import ServiceToken
from domain.console.session import ConsoleSession
from domain.costs.sums import DailyCosts
from domain.instance import Instance
from domain.media.idempotency import IdempotencyKey
from domain.media.item import MediaItem
from domain.media.usage import MediaUsage
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.otp.unchallenged_attempts import UnchallengedAttempts
from domain.otp.used_attestation import UsedAttestation
from domain.statistics.hourly_counts import HourlyCounts
from domain.voice.call import Call
from tests.support.fakes.phone_encryption import FakePhoneEncryption

GOLDEN_RECORDS: Final = Path(__file__).parents[1] / "unit/golden/records_2.json"
FIRST_GOLDEN_RECORDS: Final = GOLDEN_RECORDS.with_name("records_1.json")
"""Those of an earlier program."""
MAPPINGS: Final[Mapping[str, RecordMapping[Any, Any]]] = {
    mapping.kind.name: mapping
    for mapping in (
        PhoneVerificationMapping(PHONE_VERIFICATIONS),
        RecordMapping(UNCHALLENGED_ATTEMPTS, UnchallengedAttempts),
        RecordMapping(USED_ATTESTATIONS, UsedAttestation),
        IdentityMapping(IDENTITIES, FakePhoneEncryption()),
        PhoneAssignmentsMapping(PHONE_ASSIGNMENTS, FakePhoneEncryption()),
        RecordMapping(MEDIA_ITEMS, MediaItem),
        RecordMapping(MEDIA_USAGES, MediaUsage),
        RecordMapping(IDEMPOTENCY_KEYS, IdempotencyKey),
        CallMapping(CALLS, Call),
        RecordMapping(DELIVERY_REPORTS, DeliveryReport),
        RecordMapping(AUDIT_ENTRIES, AuditEntry),
        RecordMapping(SERVICE_TOKENS, ServiceToken),
        RecordMapping(DAILY_COSTS, DailyCosts),
        RecordMapping(HOURLY_COUNTS, HourlyCounts),
        RecordMapping(CONSOLE_SESSIONS, ConsoleSession),
        RecordMapping(INSTANCES, Instance),
        # The domain has no values for these.
        RecordMapping(LIMITS, LimitRecord),
        RecordMapping(LEASES, LeaseRecord),
    )
}
"""The mapping of each kind of record."""


def decode(name: str, text: str) -> Any:
    """Return the value of a record in JSON."""
    mapping = MAPPINGS[name]
    return mapping.to_value(mapping.kind.decode(text))


FULL_RECORDS: Final[dict[str, list[Any]]] = {
    name: [decode(name, json.dumps(fields)) for fields in records]
    for name, records in json.loads(GOLDEN_RECORDS.read_bytes()).items()
}
"""All of them, by the name of their table or collection."""

FULL_VERIFICATION: Final[PhoneVerification] = FULL_RECORDS["phone_verifications"][0]
FULL_CALL: Final[Call] = FULL_RECORDS["calls"][0]
