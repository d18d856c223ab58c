"""The collections: their indexes, and those fields that indexes and queries name.

`adapters.records` has all fields. beanie creates collections and indexes of these classes, and
builds the queries that are not hot; it never parses a document.
"""

from datetime import datetime
from typing import Any, ClassVar, Final

from beanie import Document
from pydantic import ConfigDict
from pymongo import ASCENDING, IndexModel


def _index(name: str, *fields: str, **options: Any) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], name=name, **options)


def _only_with(*fields: str) -> dict[str, Any]:
    """Limit an index to the documents that have all these fields."""
    return {"partialFilterExpression": {field: {"$exists": True} for field in fields}}


class _Document(Document):
    # Otherwise beanie would load the declared fields only.
    model_config = ConfigDict(extra="allow")

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId


class PhoneVerificationDocument(_Document):
    """A phone verification; `id` is the blind index of the phone.

    `expires_at` is missing while the phone belongs to an identity or is blocked,
    `client_ips_expire_at` while no client IP is in it.
    """

    expires_at: datetime | None = None
    client_ips_expire_at: datetime | None = None
    encrypted_phone: bytes | None = None

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


class IdentityDocument(_Document):
    """An identity, also a deleted one; `username_key` is unique."""

    username_key: str | None = None
    encrypted_phone: bytes | None = None
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    expires_at: datetime | None = None

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
            _index("identities_expires_at", "expires_at", **_only_with("expires_at")),
        ]


_READY: Final = {"partialFilterExpression": {"state": "ready"}}
_READY_WITH_CATEGORY: Final = {
    "partialFilterExpression": {"state": "ready", "category": {"$exists": True}}
}


class MediaItemDocument(_Document):
    """An item of the library."""

    owner_id: str
    kind: str
    category: str | None = None
    created_at: datetime
    state: str
    deletion_requested_at: datetime | None = None
    cleanup_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "media_items"
        indexes: ClassVar = [
            # Uploads past their deadline, and items to be deleted.
            _index("media_items_cleanup_at", "state", "cleanup_at", **_only_with("cleanup_at")),
            # Pages, in their order. A query that asks for any kind merges the ranges of all kinds.
            # The state is in each index, so that items are counted without reading documents.
            _index("media_items_kind", "state", "kind", "created_at", "_id", **_READY),
            _index(
                "media_items_category",
                *("state", "category", "kind", "created_at", "_id"),
                **_READY_WITH_CATEGORY,
            ),
            # With the states that are not listed, for the deletion and the count of all items.
            _index("media_items_owner_id", "owner_id", "state", "kind", "created_at", "_id"),
            _index(
                "media_items_owner_id_category",
                *("state", "owner_id", "category", "kind", "created_at", "_id"),
                **_READY_WITH_CATEGORY,
            ),
        ]


class MediaUsageDocument(_Document):
    """What a user has in the library; `id` is that of the user."""

    recount_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "media_usages"
        indexes: ClassVar = [
            _index("media_usages_recount_at", "recount_at", **_only_with("recount_at"))
        ]


class IdempotencyKeyDocument(_Document):
    """The idempotency key of an upload."""

    expires_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "idempotency_keys"
        indexes: ClassVar = [_index("idempotency_keys_expires_at", "expires_at")]


class CallDocument(_Document):
    """A call."""

    started_at: datetime
    identity_id: str | None = None
    oldest_recording_at: datetime | None = None
    unfinished_since: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "calls"
        indexes: ClassVar = [
            _index("calls_started_at", "started_at", "_id"),
            _index(
                "calls_identity_id", "identity_id", "started_at", "_id", **_only_with("identity_id")
            ),
            _index(
                "calls_oldest_recording_at",
                "oldest_recording_at",
                **_only_with("oldest_recording_at"),
            ),
            _index("calls_unfinished_since", "unfinished_since", **_only_with("unfinished_since")),
        ]


class DeliveryReportDocument(_Document):
    """What became of a delivery."""

    expires_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "delivery_reports"
        indexes: ClassVar = [_index("delivery_reports_expires_at", "expires_at")]


class RateLimitDocument(_Document):
    """The permits of a rate limit by its name, or what a reservation acquired by its id."""

    available_at: datetime | None = None
    total: int | None = None
    oldest: str | None = None
    newest: str | None = None
    acquired: list[dict[str, Any]] | None = None
    expires_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "rate_limits"
        indexes: ClassVar = [
            _index("rate_limits_expires_at", "expires_at", **_only_with("available_at")),
            # With the id, because beanie merges indexes of the same fields.
            _index(
                "rate_limits_reservations_expires_at",
                "expires_at",
                "_id",
                **_only_with("acquired"),
            ),
        ]


class LeaseDocument(_Document):
    """A lease, by its name."""

    expires_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "leases"
        indexes: ClassVar[list[IndexModel]] = []


class DatabaseMetadataDocument(_Document):
    """The single document that says which service and which keys a database belongs to."""

    class Settings:
        """Collection and indexes."""

        name = "database_metadata"
        indexes: ClassVar[list[IndexModel]] = []


DOCUMENTS: Final[tuple[type[Document], ...]] = (
    DatabaseMetadataDocument,
    PhoneVerificationDocument,
    IdentityDocument,
    MediaItemDocument,
    MediaUsageDocument,
    IdempotencyKeyDocument,
    CallDocument,
    DeliveryReportDocument,
    RateLimitDocument,
    LeaseDocument,
)
