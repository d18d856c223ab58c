"""The collections and their indexes.

`adapters.records` has the fields. beanie creates collections and indexes of these classes, and
builds the queries that are not hot; it never parses a document.
"""

from typing import Any, ClassVar, Final

from beanie import Document
from pydantic import ConfigDict
from pymongo import ASCENDING, IndexModel


def _index(name: str, *fields: str, **options: Any) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], name=name, **options)


def _only_with(*fields: str) -> dict[str, Any]:
    """Limit an index to the documents that have all these fields."""
    return {"partialFilterExpression": {field: {"$exists": True} for field in fields}}


def _index_of_present(name: str, field: str, **options: Any) -> IndexModel:
    """Declare an index of the documents that have the field."""
    return _index(name, field, **options, **_only_with(field))


class _Document(Document):
    # Otherwise beanie would load the id only.
    model_config = ConfigDict(extra="allow")

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId


def _collection(collection: str, *declared: IndexModel) -> type[Document]:
    """Return the document class of a collection with these indexes."""

    class CollectionDocument(_Document):
        class Settings:
            name = collection
            indexes: ClassVar = declared

    return CollectionDocument


PhoneVerificationDocument: Final = _collection(
    "phone_verifications",
    _index_of_present("phone_verifications_expires_at", "expires_at"),
    _index_of_present("phone_verifications_client_ips_expire_at", "client_ips_expire_at"),
)
"""A phone verification; `id` is the blind index of the phone.

`expires_at` is missing while the phone belongs to an identity or is blocked,
`client_ips_expire_at` while no client IP is in it.
"""

IdentityDocument: Final = _collection(
    "identities",
    _index_of_present("identities_username_key", "username_key", unique=True),
    _index("identities_purged_at", "purged_at", "deleted_at", **_only_with("deleted_at")),
    _index("identities_deleted_at", "deleted_at", **_only_with("deleted_at", "username_key")),
    _index_of_present("identities_expires_at", "expires_at"),
)
"""An identity, also a deleted one; `username_key` is unique."""

_READY: Final = {"partialFilterExpression": {"state": "ready"}}
_READY_WITH_CATEGORY: Final = {
    "partialFilterExpression": {"state": "ready", "category": {"$exists": True}}
}


MediaItemDocument: Final = _collection(
    "media_items",
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
)
"""An item of the library."""

MediaUsageDocument: Final = _collection(
    "media_usages", _index_of_present("media_usages_recount_at", "recount_at")
)
"""What a user has in the library; `id` is that of the user."""

IdempotencyKeyDocument: Final = _collection(
    "idempotency_keys", _index("idempotency_keys_expires_at", "expires_at")
)
"""The idempotency key of an upload."""

CallDocument: Final = _collection(
    "calls",
    _index("calls_started_at", "started_at", "_id"),
    _index("calls_identity_id", "identity_id", "started_at", "_id", **_only_with("identity_id")),
    _index_of_present("calls_oldest_recording_at", "oldest_recording_at"),
    _index_of_present("calls_unfinished_since", "unfinished_since"),
)
"""A call."""

DeliveryReportDocument: Final = _collection(
    "delivery_reports", _index("delivery_reports_expires_at", "expires_at")
)
"""What became of a delivery."""

RateLimitDocument: Final = _collection(
    "rate_limits",
    _index("rate_limits_expires_at", "expires_at", **_only_with("available_at")),
    # With the id, because beanie merges indexes of the same fields.
    _index("rate_limits_reservations_expires_at", "expires_at", "_id", **_only_with("acquired")),
)
"""The permits of a rate limit by its name, or what a reservation acquired by its id."""

LeaseDocument: Final = _collection("leases")
"""A lease, by its name."""

DatabaseMetadataDocument: Final = _collection("database_metadata")
"""The single document that says which service and which keys a database belongs to."""

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
