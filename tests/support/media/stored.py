"""What a database in memory has of the library."""

from adapters.databases.records.features.media import (
    IDEMPOTENCY_KEYS,
    MEDIA_ITEMS,
    MEDIA_USAGES,
    make_media_repositories,
)
from adapters.databases.records.mapping import RecordMapping
from application.features.media.ports import MediaRepositories
from application.ports.versioned import Versioned
from application.principal import Principal
from domain.features.media.item import MediaItem
from domain.features.media.usage import IdempotencyKey, MediaUsage
from tests.support.core_harness import CoreHarness
from tests.support.fakes.database import InMemoryDatabase


def stored_items(database: InMemoryDatabase) -> dict[str, Versioned[MediaItem]]:
    return database.load_all(RecordMapping(MEDIA_ITEMS, MediaItem))


def stored_usages(database: InMemoryDatabase) -> dict[str, Versioned[MediaUsage]]:
    return database.load_all(RecordMapping(MEDIA_USAGES, MediaUsage))


def stored_idempotency_keys(database: InMemoryDatabase) -> dict[str, Versioned[IdempotencyKey]]:
    return database.load_all(RecordMapping(IDEMPOTENCY_KEYS, IdempotencyKey))


def used(app: CoreHarness, user: Principal) -> tuple[int, int]:
    """Return the bytes and the number of items that count for the user's quota."""
    usage = stored_usages(app.database)[user.identity.id].value
    return usage.used_bytes, usage.used_items


def actual(app: CoreHarness, user: Principal) -> tuple[int, int]:
    """Return the bytes and the number of the user's ready items."""
    items = [record.value for record in stored_items(app.database).values()]
    ready = [item for item in items if item.is_ready and item.owner_id == user.identity.id]
    return sum(item.image.bytes for item in ready), len(ready)


def media_repositories(database: InMemoryDatabase) -> MediaRepositories:
    """Return the repositories of the library. Their calls may be made to fail."""
    return database.fallible(make_media_repositories(database.stores))
