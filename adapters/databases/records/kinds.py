"""The kinds of records of the core: their indexes, and what is unique or expires."""

from datetime import datetime
from typing import Any, Final, Literal

from adapters.databases.records.identities import IDENTITY_RETENTION, IdentityRecord
from adapters.databases.records.instances import InstanceRecord
from adapters.databases.records.phone_verifications import (
    PHONE_VERIFICATION_RETENTION,
    PhoneVerificationRecord,
)
from adapters.databases.records.record_kind import (
    EXPIRES_AT,
    Index,
    Record,
    RecordKind,
    index_by_time,
)
from adapters.databases.records.retention import Retention
from domain.administration.audit import AUDIT_RETENTION, MAX_ACTOR_NAME_LENGTH, Actor, ActorKind
from domain.identities.external_id import MAX_EXTERNAL_ID_LENGTH
from domain.identities.role import Role
from domain.identities.username import LOOK_ALIKE_KEY_LENGTH, MAX_USERNAME_KEY_LENGTH
from domain.otp.delivery import Channel

ENCRYPTED_PHONE: Final = "encrypted_phone"

PHONE_VERIFICATIONS: Final = RecordKind(
    "phone_verifications",
    PhoneVerificationRecord,
    # It expires while the phone has no identity and is not blocked.
    index_by_time("phone_verifications_expires_at", EXPIRES_AT),
    index_by_time("phone_verifications_client_ips_expire_at", "client_ips_expire_at"),
    written_once=ENCRYPTED_PHONE,
    retention=PHONE_VERIFICATION_RETENTION,
)


USERNAMES: Final = Index(
    name="identities_username_key",
    equal=("username_key",),
    present=("username_key",),
    is_unique=True,
)
ALL_USERNAMES: Final = Index(name=USERNAMES.name, order="username_key", present=USERNAMES.present)
"""`USERNAMES` without a value: all of it, to be counted."""
UNPURGED: Final = index_by_time("identities_purged_at", "deleted_at", absent=("purged_at",))
WITH_USERNAME: Final = Index(
    name="identities_deleted_at", order="deleted_at", present=("deleted_at", "username_key")
)
UNVERIFIED: Final = index_by_time("identities_expires_at", EXPIRES_AT)
EXTERNAL_IDS: Final = Index(
    name="identities_external_id",
    equal=("external_id",),
    present=("external_id",),
    is_unique=True,
)
PHONE_CHANGES: Final = index_by_time(
    "identities_phone_change_attempted_at", "phone_change_attempted_at"
)
PASSKEYS_ADDED: Final = index_by_time(
    "identities_passkey_added_at", "passkey_added_at", is_paged=True
)
DUE_EVENTS: Final = index_by_time("identities_next_send_at", "next_send_at")
FAILED_EVENTS: Final = index_by_time("identities_events_failed_at", "events_failed_at")
STAFF_LOOK_ALIKES: Final = Index(
    name="identities_staff_look_alike_key",
    equal=("staff_look_alike_key",),
    present=("staff_look_alike_key",),
)
# beanie makes one index of two that have the same fields, so each of these has others. A blocked
# user is hardly ever detached, and no closed identity has a role.
USERS: Final = Index(
    name="identities_created_at",
    order="created_at",
    is_paged=True,
    absent=("deleted_at", "detached_at"),
)
BLOCKED_USERS: Final = Index(
    name="identities_blocked",
    order="created_at",
    is_paged=True,
    present=("blocked_at",),
    absent=("deleted_at",),
)
STAFF: Final = Index(
    name="identities_staff_role",
    equal=("staff_role",),
    order="created_at",
    is_paged=True,
    present=("staff_role",),
)

IDENTITIES: Final = RecordKind(
    "identities",
    IdentityRecord,
    USERNAMES,
    UNPURGED,
    WITH_USERNAME,
    UNVERIFIED,
    EXTERNAL_IDS,
    PHONE_CHANGES,
    PASSKEYS_ADDED,
    DUE_EVENTS,
    FAILED_EVENTS,
    STAFF_LOOK_ALIKES,
    USERS,
    BLOCKED_USERS,
    STAFF,
    written_once=ENCRYPTED_PHONE,
    max_lengths={
        "username_key": MAX_USERNAME_KEY_LENGTH,
        "external_id": MAX_EXTERNAL_ID_LENGTH,
        "staff_look_alike_key": LOOK_ALIKE_KEY_LENGTH,
        "staff_role": max(map(len, Role)),
    },
    retention=IDENTITY_RETENTION,
)


class DeliveryReportRecord(Record, kw_only=True):
    """The status of one delivery."""

    id: str
    status: Literal["queued", "sent", "delivered", "undelivered", "failed"]
    expires_at: datetime
    error_code: str | None = None
    reason: str = ""
    left: Channel | None = None


DELIVERY_REPORTS: Final = RecordKind(
    "delivery_reports",
    DeliveryReportRecord,
    Index(name="delivery_reports_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "whether a message or a call with a code arrived",
            "id status error_code reason left expires_at",
            "one day",
            "the app offers another way",
            export="`sign_in.json`",
        ),
    ),
)


class AuditEntryRecord(Record, kw_only=True):
    """An act of an operator, or a change of a user's phone. Only its count is replaced."""

    id: str
    at: datetime
    expires_at: datetime
    actor: Actor
    actor_kind: str
    actor_id: str
    action: str
    subject: str
    reason: str = ""
    item_id: str | None = None
    role: str | None = None
    failed_entry_id: str | None = None
    error: str | None = None
    count: int | None = None


ALL_ENTRIES: Final = Index(name="audit_entries_at", order="at", is_paged=True)
ENTRIES_BY_SUBJECT: Final = Index(
    name="audit_entries_subject", equal=("subject",), order="at", is_paged=True
)
ENTRIES_BY_ACTOR: Final = Index(
    name="audit_entries_actor", equal=("actor_kind", "actor_id"), order="at", is_paged=True
)

AUDIT_ENTRIES: Final = RecordKind(
    "audit_entries",
    AuditEntryRecord,
    ALL_ENTRIES,
    ENTRIES_BY_SUBJECT,
    ENTRIES_BY_ACTOR,
    Index(name="audit_entries_expires_at", order=EXPIRES_AT),
    max_lengths={
        "actor_kind": max(map(len, ActorKind)),
        "actor_id": MAX_ACTOR_NAME_LENGTH,
    },
    retention=(
        Retention(
            "what operators did, and changes of a number: who (of a command also the host), to"
            " whom (a number as a keyed hash), when, why",
            "id at expires_at actor(kind id name role) actor_kind actor_id action subject reason"
            " item_id role failed_entry_id error count",
            f"{AUDIT_RETENTION.days} days, also after a deletion",
            "misuse is found",
            export="`audit.json`, without the operator",
        ),
    ),
)


class LeaseRecord(Record, kw_only=True):
    """A lease; its name is the key of the record."""

    expires_at: datetime


LEASES: Final = RecordKind(
    "instance_leases",
    LeaseRecord,
    Index(name="instance_leases_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "whose turn the cleanup is",
            "id expires_at",
            "for ever",
        ),
    ),
)

INSTANCES: Final = RecordKind(
    "instances",
    InstanceRecord,
    Index(name="instances_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "processes that serve: version, issuers of tokens",
            "id program_version started_at renewed_at expires_at issuer accepted_issuers",
            "90 seconds after the last renewal",
        ),
    ),
)

CORE_KINDS: Final[tuple[RecordKind[Any], ...]] = (
    PHONE_VERIFICATIONS,
    IDENTITIES,
    DELIVERY_REPORTS,
    AUDIT_ENTRIES,
    LEASES,
    INSTANCES,
)
