"""The stored schema of what the service itself needs: metadata, rate limits and leases."""

from datetime import datetime
from typing import ClassVar

from beanie import Document
from pymongo import IndexModel

from adapters.mongo.documents.base import NestedValue, index


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


class ReservationFields(NestedValue):
    """A reservation in a sliding window."""

    item_key: ClassVar = ("id",)

    id: str
    acquired_at: datetime


class RateLimitDocument(Document):
    """The latest reservations of a rate limit, in the order in which they were written."""

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId
    schema_version: int
    reservations: list[ReservationFields]
    expires_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "rate_limits"
        indexes: ClassVar = [index("rate_limits_expires_at", "expires_at")]


class LeaseDocument(Document):
    """A lease, by its name."""

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId
    schema_version: int
    expires_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "leases"
        indexes: ClassVar[list[IndexModel]] = []
