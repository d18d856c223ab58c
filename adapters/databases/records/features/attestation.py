"""The records of proofs that were used."""

from datetime import datetime
from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.ports.versioned import ExpiringRecords
from domain.features.attestation import UsedProof


class UsedProofRecord(Record, kw_only=True):
    """A proof that was used. Its id is its hash."""

    id: str
    expires_at: datetime


USED_PROOFS: Final = RecordKind(
    "used_proofs",
    UsedProofRecord,
    Index(name="used_proofs_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "used proofs, hashed",
            "id expires_at",
            "two hours",
        ),
    ),
)


def make_used_proofs(database: Database) -> ExpiringRecords[UsedProof]:
    """Return the repository of used proofs."""
    mapping = RecordMapping(USED_PROOFS, UsedProof)
    return RecordRepository(database.records, mapping, do_ids_return=True)


KINDS: Final = (USED_PROOFS,)
