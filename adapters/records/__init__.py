"""The stored form of every record: one msgspec Struct and one mapping each, for all databases."""

from adapters.records.calls import CALLS, CallRecord
from adapters.records.delivery_reports import DELIVERY_REPORTS, DeliveryReportRecord
from adapters.records.idempotency_keys import IDEMPOTENCY_KEYS, IdempotencyKeyRecord
from adapters.records.identities import IdentityMapping, IdentityRecord
from adapters.records.mapping import WRITTEN_ONCE, Fields, Record, RecordMapping, Upgrade
from adapters.records.media_items import MEDIA_ITEMS, MediaItemRecord
from adapters.records.media_usages import MEDIA_USAGES, MediaUsageRecord
from adapters.records.phone_verifications import (
    PHONE_VERIFICATIONS,
    PhoneVerificationRecord,
)
from adapters.records.rate_limits import (
    RATE_LIMITS,
    RESERVATIONS,
    RateLimitRecord,
    ReservationRecord,
)

__all__ = [
    "CALLS",
    "DELIVERY_REPORTS",
    "IDEMPOTENCY_KEYS",
    "MEDIA_ITEMS",
    "MEDIA_USAGES",
    "PHONE_VERIFICATIONS",
    "RATE_LIMITS",
    "RESERVATIONS",
    "WRITTEN_ONCE",
    "CallRecord",
    "DeliveryReportRecord",
    "Fields",
    "IdempotencyKeyRecord",
    "IdentityMapping",
    "IdentityRecord",
    "MediaItemRecord",
    "MediaUsageRecord",
    "PhoneVerificationRecord",
    "RateLimitRecord",
    "Record",
    "RecordMapping",
    "ReservationRecord",
    "Upgrade",
]
