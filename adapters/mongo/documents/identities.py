"""The stored schema of identities."""

from datetime import datetime
from typing import ClassVar, Literal

from adapters.mongo.documents.base import NestedValue, RecordDocument, index, only_with


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


class ConsentFields(NestedValue):
    """What a caller agreed to."""

    wording: str
    language: str
    given_at: datetime


class IdentityDocument(RecordDocument):
    """An identity, also a deleted one; `username_key` is unique.

    `is_verified` is missing if it is.
    """

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
    is_verified: bool = True
    consent: ConsentFields | None = None

    class Settings:
        """Collection and indexes."""

        name = "identities"
        indexes: ClassVar = [
            index(
                "identities_username_key",
                "username_key",
                unique=True,
                **only_with("username_key"),
            ),
            index("identities_purged_at", "purged_at", "deleted_at", **only_with("deleted_at")),
            index("identities_deleted_at", "deleted_at", **only_with("deleted_at", "username_key")),
        ]
