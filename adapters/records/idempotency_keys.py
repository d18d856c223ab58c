"""The stored form of idempotency keys."""

from datetime import datetime
from typing import Final

from adapters.records.mapping import Record, RecordMapping
from domain.media.idempotency import IdempotencyKey


class IdempotencyKeyRecord(Record, kw_only=True):
    """The key of one upload."""

    id: str
    fingerprint: str
    item_id: str
    upload_deadline: datetime
    expires_at: datetime
    is_complete: bool = False


IDEMPOTENCY_KEYS: Final = RecordMapping("idempotency_keys", IdempotencyKeyRecord, IdempotencyKey)
