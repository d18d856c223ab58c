"""The records of challenges for passkeys. Passkeys are in identities."""

from datetime import datetime
from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.ports.versioned import ExpiringRecords
from domain.features.passkeys import UsedPasskeyChallenge


class UsedPasskeyChallengeRecord(Record, kw_only=True):
    """A challenge that was used. Its id is its hash."""

    id: str
    expires_at: datetime


USED_PASSKEY_CHALLENGES: Final = RecordKind(
    "used_passkey_challenges",
    UsedPasskeyChallengeRecord,
    Index(name="used_passkey_challenges_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "used challenges of passkeys, hashed",
            "id expires_at",
            "five minutes",
        ),
    ),
)


def make_used_passkey_challenges(database: Database) -> ExpiringRecords[UsedPasskeyChallenge]:
    """Return the repository of used challenges."""
    mapping = RecordMapping(USED_PASSKEY_CHALLENGES, UsedPasskeyChallenge)
    return RecordRepository(database.records, mapping)


KINDS: Final = (USED_PASSKEY_CHALLENGES,)
