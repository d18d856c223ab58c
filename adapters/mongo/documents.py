"""What is stored, a class for each collection: its members and its indexes.

beanie puts everyday questions by them. Nothing is read into them: documents become the
domain's values in one way, `adapters.mongo.stored`, wherever they come from.
"""

from datetime import datetime
from itertools import chain, combinations
from typing import Any, ClassVar, Final

from beanie import Document
from pymongo import ASCENDING, IndexModel

from domain.identities.identity import Role, User
from domain.identities.session import Session
from domain.media.image import Image, MediaKind
from domain.media.item import ItemState
from domain.otp.attempts import UnboundAttempts
from domain.otp.challenge import Challenge
from domain.otp.delivery import Delivery
from domain.otp.phone_verification import TrustedIp


def index(name: str, *members: str, **options: Any) -> IndexModel:
    """Name an index over these members, in this order."""
    return IndexModel([(member, ASCENDING) for member in members], name=name, **options)


def only_with(*members: str) -> dict[str, Any]:
    """Have an index hold only documents that have all these members."""
    return {"partialFilterExpression": {member: {"$exists": True} for member in members}}


class MarkDocument(Document):
    """What says whose database it is: one document, which the first start makes."""

    id: str  # type: ignore[assignment]  # beanie has an ObjectId there, or nothing yet
    schema_version: int
    fingerprint: str
    probed: datetime | None = None

    class Settings:
        name = "meta"
        indexes: ClassVar[list[IndexModel]] = []


class PhoneRecordDocument(Document):
    """A phone record; `id` is the blind index of the phone, which itself is nowhere.

    `lapses` is missing while the record names an identity or is blocked.
    """

    id: str  # type: ignore[assignment]  # beanie has an ObjectId there, or nothing yet
    version: int
    lapses: datetime | None = None
    challenges: list[Challenge]
    sends: list[Delivery]
    unbound_tries: UnboundAttempts
    known_addresses: list[TrustedIp]
    identity_id: str | None = None
    blocked: datetime | None = None

    class Settings:
        name = "phone_verifications"
        indexes: ClassVar = [index("phone_records_lapsing", "lapses", **only_with("lapses"))]


class IdentityDocument(Document):
    """An identity; `phone` is sealed, `username_key` is what nobody else may have."""

    id: str  # type: ignore[assignment]  # beanie has an ObjectId there, or nothing yet
    version: int
    created: datetime
    role: Role
    phone: bytes | None = None
    user: User | None = None
    username_key: str | None = None
    sessions: list[Session]
    deleted: datetime | None = None
    swept: bool
    blocked: datetime | None = None

    class Settings:
        name = "identities"
        indexes: ClassVar = [
            index("identities_named", "username_key", unique=True, **only_with("username_key")),
            index("identities_unswept", "swept", "deleted", **only_with("deleted")),
            index("identities_holding", "deleted", **only_with("deleted", "username_key")),
        ]


class BudgetDocument(Document):
    """A ring of slots of a budget, the newest first; see adapters.mongo.budget_rings."""

    id: str  # type: ignore[assignment]  # beanie has an ObjectId there, or nothing yet
    slots: list[dict[str, Any]]
    lapses: datetime

    class Settings:
        name = "rate_limiter"
        indexes: ClassVar = [index("budgets_lapsing", "lapses")]


_CHOICES: Final = ("owner", "kind", "category")


class MediaItemDocument(Document):
    """A library item.

    `shown` is when a ready item was created, `leased` when a pending one's lease is over: each
    is missing in the other states, so that its indexes hold one state only.
    """

    id: str  # type: ignore[assignment]  # beanie has an ObjectId there, or nothing yet
    version: int
    owner: str
    key: str
    picture: Image
    kind: MediaKind
    category: str | None = None
    created: datetime
    state: ItemState
    lease_until: datetime
    shown: datetime | None = None
    leased: datetime | None = None
    doomed: datetime | None = None

    class Settings:
        name = "media_items"
        indexes: ClassVar = [
            # Not unique: in a sharded collection that would have to begin with the shard key.
            # Keys are random enough.
            index("media_items_file", "key"),
            index("media_items_owned", "owner", "doomed"),
            index("media_items_leased", "leased", **only_with("leased")),
            index("media_items_doomed", "doomed", **only_with("doomed")),
            # One for each way in which a library is read, so that every page is a range of one.
            *(
                index(
                    "_".join(["media_pages", *chosen]),
                    *chosen,
                    "shown",
                    "_id",
                    **only_with("shown"),
                )
                for chosen in chain.from_iterable(
                    combinations(_CHOICES, count) for count in range(len(_CHOICES) + 1)
                )
            ),
        ]


DOCUMENTS: Final[tuple[type[Document], ...]] = (
    MarkDocument,
    PhoneRecordDocument,
    BudgetDocument,
    IdentityDocument,
    MediaItemDocument,
)
