"""The stored schema: a class for each collection, with its fields and its indexes.

- Fields are named and typed as they are stored, independently of the domain. Dates are whole
  milliseconds, as the clock's are.
- `adapters.mongo.record_mapping` checks documents against these classes. beanie builds queries with
  them.
- Optional fields of a document are left out when they are None, so that partial indexes skip it.
"""

from datetime import datetime
from itertools import chain, combinations
from typing import Any, ClassVar, Final, Literal

from beanie import Document
from pydantic import BaseModel, ConfigDict
from pymongo import ASCENDING, IndexModel


def _index(name: str, *fields: str, **options: Any) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], name=name, **options)


def _only_with(*fields: str) -> dict[str, Any]:
    """Limit an index to the documents that have all these fields."""
    return {"partialFilterExpression": {field: {"$exists": True} for field in fields}}


class NestedValue(BaseModel):
    """An object inside a document."""

    item_key: ClassVar[tuple[str, ...]] = ()
    """The fields that identify it in a list; all fields where this is empty."""


class DatabaseMetadataDocument(Document):
    """The single document that says which service and which keys a database belongs to."""

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId
    schema_version: int
    key_fingerprint: str
    unfinished_index_key: str | None = None
    health_checked_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "database_metadata"
        indexes: ClassVar[list[IndexModel]] = []


class RecordDocument(Document):
    """The fields that the documents of all aggregates have."""

    # Makes beanie load fields that this program does not know.
    model_config = ConfigDict(extra="allow")

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId
    version: int
    schema_version: int


class LoginFields(NestedValue):
    """The login that the code of a challenge was used for."""

    identity_id: str
    session_id: str
    request_id: str | None = None


class ChallengeFields(NestedValue):
    """A challenge; its code is derived and never stored."""

    item_key: ClassVar = ("id",)

    id: str
    purpose: Literal["sign_in"]
    nonce: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    login: LoginFields | None = None


class AttemptCounterFields(NestedValue):
    """The attempts of a request id, an IP or a device at one delivery; `id` is unique in it."""

    item_key: ClassVar = ("kind", "id")

    kind: Literal["first_request", "later_request", "device_request", "ip", "unknown_ip", "device"]
    id: str
    limit: int
    used: int
    last_digest: str | None = None
    last_counted_at: datetime | None = None


class DeliveryFields(NestedValue):
    """A message with the code of a challenge."""

    item_key: ClassVar = ("request_id",)

    request_id: str
    challenge_id: str
    client_ip_hash: str
    network_hash: str
    is_ipv6: bool
    sent_at: datetime
    attempt_limit: int
    device_id: str | None = None
    uses_own_quota: bool
    counters: list[AttemptCounterFields]


class DeviceFailuresFields(NestedValue):
    """The failed attempts in a row of a device."""

    item_key: ClassVar = ("device_id",)

    device_id: str
    count: int
    last_failed_at: datetime


class FailuresFields(NestedValue):
    """The failed attempts in a row of the phone, and of each device."""

    in_a_row: int
    last_failed_at: datetime | None = None
    by_device: list[DeviceFailuresFields]


class TrustedIpFields(NestedValue):
    """An IP from which the phone signed in."""

    client_ip_hash: str
    last_login_at: datetime


class PhoneVerificationDocument(RecordDocument):
    """A phone verification; `id` is the blind index of the phone.

    `expires_at` is missing while the phone belongs to an identity or is blocked,
    `client_ips_expire_at` while no client IP is in it, and `encrypted_phone` unless the phone is
    blocked.
    """

    expires_at: datetime | None = None
    client_ips_expire_at: datetime | None = None
    identity_id: str | None = None
    blocked_at: datetime | None = None
    encrypted_phone: bytes | None = None
    challenges: list[ChallengeFields]
    deliveries: list[DeliveryFields]
    shared_attempts: list[datetime]
    failures: FailuresFields
    trusted_ips: list[TrustedIpFields]

    class Settings:
        """Collection and indexes."""

        name = "phone_verifications"
        indexes: ClassVar = [
            _index("phone_verifications_expires_at", "expires_at", **_only_with("expires_at")),
            _index(
                "phone_verifications_client_ips_expire_at",
                "client_ips_expire_at",
                **_only_with("client_ips_expire_at"),
            ),
        ]


class UserFields(NestedValue):
    """The public part of an identity."""

    username: str
    created_at: datetime


class RefreshTokensFields(NestedValue):
    """The state of a session's refresh tokens; the tokens themselves are never stored."""

    nonce: bytes
    generation: int
    rotated_at: datetime
    is_confirmed: bool = True


class SessionFields(NestedValue):
    """A session."""

    item_key: ClassVar = ("id",)

    id: str
    created_at: datetime
    expires_at: datetime
    device: str | None = None
    last_used_at: datetime | None = None
    refresh_tokens: RefreshTokensFields | None = None
    idle_expires_at: datetime | None = None


class DeviceFields(NestedValue):
    """A device that is recognized by its token; the token itself is never stored."""

    item_key: ClassVar = ("id",)

    id: str
    session_id: str
    expires_at: datetime


class UsedChallengeFields(NestedValue):
    """A challenge that opened a session."""

    item_key: ClassVar = ("id",)

    id: str
    expires_at: datetime


class IdentityDocument(RecordDocument):
    """An identity, also a deleted one; `username_key` is unique."""

    username_key: str | None = None
    encrypted_phone: bytes | None = None
    created_at: datetime
    role: Literal["member", "administrator"]
    user: UserFields | None = None
    sessions: list[SessionFields]
    devices: list[DeviceFields] = []  # noqa: RUF012 - pydantic copies it
    used_challenges: list[UsedChallengeFields] = []  # noqa: RUF012 - pydantic copies it
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    blocked_at: datetime | None = None
    detached_at: datetime | None = None
    last_used_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "identities"
        indexes: ClassVar = [
            _index(
                "identities_username_key",
                "username_key",
                unique=True,
                **_only_with("username_key"),
            ),
            _index("identities_purged_at", "purged_at", "deleted_at", **_only_with("deleted_at")),
            _index(
                "identities_deleted_at", "deleted_at", **_only_with("deleted_at", "username_key")
            ),
        ]


class ImageFields(NestedValue):
    """The image of a library item."""

    format: Literal["jpeg", "png", "gif"]
    width: int
    height: int
    size_bytes: int


_PAGE_FILTERS: Final = ("owner_id", "kind", "category")
# An index for each combination of filters, so that every page is a range of one. Each begins with
# the state, so that items can be counted without reading their documents.
_PAGE_INDEXES: Final = [
    _index(
        "_".join(["media_items", *filters, "created_at"]),
        "state",
        *filters,
        "created_at",
        "_id",
        partialFilterExpression={"state": "ready"},
    )
    for filters in chain.from_iterable(
        combinations(_PAGE_FILTERS, count) for count in range(len(_PAGE_FILTERS) + 1)
    )
]


class MediaItemDocument(RecordDocument):
    """A library item."""

    storage_key: str
    owner_id: str
    kind: Literal["image", "gif"]
    image: ImageFields
    category: str | None = None
    created_at: datetime
    state: Literal["pending", "ready", "deleting", "deletion_refused"]
    upload_deadline: datetime
    deletion_requested_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "media_items"
        indexes: ClassVar = [
            # Not unique: in a sharded collection that would have to begin with the shard key.
            # Storage keys are random enough.
            _index("media_items_storage_key", "storage_key"),
            _index("media_items_owner_id", "owner_id", "deletion_requested_at"),
            _index(
                "media_items_upload_deadline",
                "upload_deadline",
                partialFilterExpression={"state": "pending"},
            ),
            _index(
                "media_items_deletion_requested_at",
                "deletion_requested_at",
                **_only_with("deletion_requested_at"),
            ),
            _index(
                "media_items_deletion_refused",
                "created_at",
                partialFilterExpression={"state": "deletion_refused"},
            ),
            *_PAGE_INDEXES,
        ]


class ReservationFields(NestedValue):
    """A reservation in a sliding window."""

    item_key: ClassVar = ("id",)

    id: str
    acquired_at: datetime


class RateLimitDocument(Document):
    """The latest reservations of a rate limit, the newest first."""

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId
    schema_version: int
    reservations: list[ReservationFields]
    expires_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "rate_limits"
        indexes: ClassVar = [_index("rate_limits_expires_at", "expires_at")]


class LeaseDocument(Document):
    """A lease, by its name."""

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId
    schema_version: int
    expires_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "leases"
        indexes: ClassVar[list[IndexModel]] = []


DOCUMENTS: Final[tuple[type[Document], ...]] = (
    DatabaseMetadataDocument,
    PhoneVerificationDocument,
    RateLimitDocument,
    IdentityDocument,
    MediaItemDocument,
    LeaseDocument,
)
