"""The stored form of what users have in the library."""

from datetime import datetime
from typing import Final

import msgspec

from adapters.records.mapping import Record, RecordMapping
from domain.media.usage import MediaUsage


class MediaUsageRecord(Record, kw_only=True):
    """The usage of one user. `recount_at` follows from the ids in `pending`."""

    id: str
    bytes: int
    items: int
    pending: dict[str, int] = msgspec.field(default_factory=dict)
    deleting: tuple[str, ...] = ()
    recount_at: datetime | None = None


MEDIA_USAGES: Final = RecordMapping("media_usages", MediaUsageRecord, MediaUsage)
