"""The table of all kinds of records: their Structs and indexes, and what is unique or expires.

A database creates its tables or collections, and their indexes, from this table. The names of kinds
and indexes are stored: a change makes a new one, and leaves the old one to the operator.
"""

from itertools import chain, combinations
from typing import Any, Final

from adapters.records.administration import AuditEntryRecord, ServiceTokenRecord
from adapters.records.calls import CallRecord
from adapters.records.console import ConsoleSessionRecord
from adapters.records.costs import DailyCostsRecord
from adapters.records.delivery_reports import DeliveryReportRecord
from adapters.records.identities import DeletionRecord, IdentityRecord
from adapters.records.instances import InstanceRecord
from adapters.records.leases import LeaseRecord
from adapters.records.media import IdempotencyKeyRecord, MediaItemRecord, MediaUsageRecord
from adapters.records.phone_assignments import PhoneAssignmentsRecord
from adapters.records.phone_verifications import (
    PhoneVerificationRecord,
    UnchallengedAttemptsRecord,
    UsedAttestationRecord,
)
from adapters.records.record_kind import EXPIRES_AT, Index, RecordKind
from adapters.records.statistics import HourlyCountsRecord

ENCRYPTED_PHONE: Final = "encrypted_phone"
ITEM_FILTERS: Final = ("owner_id", "kind", "category")
_FILTERS: Final = chain.from_iterable(combinations(ITEM_FILTERS, count) for count in range(4))


def _by_time(name: str, order: str, **options: Any) -> Index:
    """Return an index of the records that have a time, in its order."""
    return Index(name=name, order=order, present=(order,), **options)


PHONE_VERIFICATIONS: Final = RecordKind(
    "phone_verifications",
    PhoneVerificationRecord,
    # It expires while the phone has no identity and is not blocked.
    _by_time("phone_verifications_expires_at", EXPIRES_AT),
    _by_time("phone_verifications_client_ips_expire_at", "client_ips_expire_at"),
    written_once=ENCRYPTED_PHONE,
)

UNCHALLENGED_ATTEMPTS: Final = RecordKind(
    "unchallenged_attempts",
    UnchallengedAttemptsRecord,
    Index(name="unchallenged_attempts_expires_at", order=EXPIRES_AT),
)

USED_ATTESTATIONS: Final = RecordKind(
    "used_attestations",
    UsedAttestationRecord,
    Index(name="used_attestations_expires_at", order=EXPIRES_AT),
)

IDENTITIES: Final = RecordKind(
    "identities",
    IdentityRecord,
    Index(
        name="identities_username_key",
        equal=("username_key",),
        present=("username_key",),
        is_unique=True,
    ),
    _by_time("identities_purged_at", "deleted_at", absent=("purged_at",)),
    Index(name="identities_deleted_at", order="deleted_at", present=("deleted_at", "username_key")),
    _by_time("identities_expires_at", EXPIRES_AT),
    Index(
        name="identities_external_id",
        equal=("external_id",),
        present=("external_id",),
        is_unique=True,
    ),
    _by_time("identities_phone_change_attempted_at", "phone_change_attempted_at"),
    _by_time("identities_next_send_at", "next_send_at"),
    _by_time("identities_events_failed_at", "events_failed_at"),
    Index(
        name="identities_staff_look_alike_key",
        equal=("staff_look_alike_key",),
        present=("staff_look_alike_key",),
    ),
    written_once=ENCRYPTED_PHONE,
)
(
    USERNAMES,
    UNPURGED,
    WITH_USERNAME,
    UNVERIFIED,
    EXTERNAL_IDS,
    PHONE_CHANGES,
    DUE_EVENTS,
    FAILED_EVENTS,
    STAFF_LOOK_ALIKES,
) = IDENTITIES.indexes

ALL_USERNAMES: Final = Index(name=USERNAMES.name, order="username_key", present=USERNAMES.present)
"""`USERNAMES` without a value: all of it, to be counted."""

IDENTITIES_WITH_NEW_PHONE: Final = RecordKind(
    IDENTITIES.name, IDENTITIES.record_type, *IDENTITIES.indexes
)
"""Identities that get another phone: a replacement writes that as well."""

PHONE_ASSIGNMENTS: Final = RecordKind(
    "phone_assignments",
    PhoneAssignmentsRecord,
    Index(name="phone_assignments_expires_at", order=EXPIRES_AT),
    _by_time("phone_assignments_notice_due_at", "notice_due_at"),
)
_, DUE_NOTICES = PHONE_ASSIGNMENTS.indexes

DELETIONS: Final = RecordKind("identities", DeletionRecord)
"""What pages of a library read of the owners of their items. It is not written."""

ITEM_PAGES: Final = {
    filters: Index(
        name="_".join(["media_items_page", *filters]),
        equal=("state", *filters),
        order="created_at",
        is_paged=True,
    )
    for filters in _FILTERS
}
"""One for each combination of filters, so that every page is a range of an index."""

UPLOAD_DEADLINES: Final = Index(
    name="media_items_upload_deadline", order="upload_deadline", only=(("state", "pending"),)
)
REQUESTED_DELETIONS: Final = _by_time("media_items_deletion_requested_at", "deletion_requested_at")

MEDIA_ITEMS: Final = RecordKind(
    "media_items", MediaItemRecord, UPLOAD_DEADLINES, REQUESTED_DELETIONS, *ITEM_PAGES.values()
)

MEDIA_USAGES: Final = RecordKind(
    "media_usages", MediaUsageRecord, _by_time("media_usages_recount_at", "recount_at")
)

IDEMPOTENCY_KEYS: Final = RecordKind(
    "idempotency_keys",
    IdempotencyKeyRecord,
    Index(name="idempotency_keys_expires_at", order=EXPIRES_AT),
)

CALLS: Final = RecordKind(
    "calls",
    CallRecord,
    Index(name="calls_started_at", order="started_at", is_paged=True),
    Index(
        name="calls_identity_id",
        equal=("identity_id",),
        order="started_at",
        is_paged=True,
        present=("identity_id",),
    ),
    _by_time("calls_oldest_recording_at", "oldest_recording_at"),
    _by_time("calls_unfinished_since", "unfinished_since"),
)
ALL_CALLS, CALLS_OF_IDENTITY, RECORDED_CALLS, UNFINISHED_CALLS = CALLS.indexes

DELIVERY_REPORTS: Final = RecordKind(
    "delivery_reports",
    DeliveryReportRecord,
    Index(name="delivery_reports_expires_at", order=EXPIRES_AT),
)

AUDIT_ENTRIES: Final = RecordKind(
    "audit_entries",
    AuditEntryRecord,
    Index(name="audit_entries_at", order="at", is_paged=True),
    Index(name="audit_entries_subject", equal=("subject",), order="at", is_paged=True),
    Index(name="audit_entries_actor", equal=("actor_kind", "actor_id"), order="at", is_paged=True),
    Index(name="audit_entries_expires_at", order=EXPIRES_AT),
)
ALL_ENTRIES, ENTRIES_BY_SUBJECT, ENTRIES_BY_ACTOR, _ = AUDIT_ENTRIES.indexes

SERVICE_TOKENS: Final = RecordKind(
    "service_tokens",
    ServiceTokenRecord,
    Index(name="service_tokens_expires_at", order=EXPIRES_AT),
)

DAILY_COSTS: Final = RecordKind(
    "daily_costs",
    DailyCostsRecord,
    Index(name="daily_costs_starts_at", order="starts_at", is_paged=True),
    Index(name="daily_costs_expires_at", order=EXPIRES_AT),
)

HOURLY_COUNTS: Final = RecordKind(
    "hourly_counts",
    HourlyCountsRecord,
    Index(name="hourly_counts_starts_at", order="starts_at", is_paged=True),
    Index(name="hourly_counts_expires_at", order=EXPIRES_AT),
)

CONSOLE_SESSIONS: Final = RecordKind(
    "console_sessions",
    ConsoleSessionRecord,
    Index(name="console_sessions_expires_at", order=EXPIRES_AT),
)

# Not `leases`: those of earlier versions have no version.
LEASES: Final = RecordKind(
    "instance_leases", LeaseRecord, Index(name="instance_leases_expires_at", order=EXPIRES_AT)
)

INSTANCES: Final = RecordKind(
    "instances", InstanceRecord, Index(name="instances_expires_at", order=EXPIRES_AT)
)

KINDS: Final[tuple[RecordKind[Any], ...]] = (
    PHONE_VERIFICATIONS,
    UNCHALLENGED_ATTEMPTS,
    USED_ATTESTATIONS,
    IDENTITIES,
    PHONE_ASSIGNMENTS,
    MEDIA_ITEMS,
    MEDIA_USAGES,
    IDEMPOTENCY_KEYS,
    CALLS,
    DELIVERY_REPORTS,
    AUDIT_ENTRIES,
    SERVICE_TOKENS,
    DAILY_COSTS,
    HOURLY_COUNTS,
    CONSOLE_SESSIONS,
    LEASES,
    INSTANCES,
)
"""What a `RecordStore` has to keep."""
