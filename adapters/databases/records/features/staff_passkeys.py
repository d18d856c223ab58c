"""The records of invitations to add a passkey of the staff. Passkeys are in identities."""

from datetime import datetime
from typing import Final

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.features.staff_passkeys.ports import StaffPasskeyRepositories
from domain.features.staff_passkeys import PasskeyInvitation


class PasskeyInvitationRecord(Record, kw_only=True):
    """An invitation that was not used. Its id is the hash of its secret."""

    id: str
    identity_id: str
    session_version: int
    passkey_id: str = ""
    created_at: datetime
    expires_at: datetime


PASSKEY_INVITATIONS: Final = RecordKind(
    "passkey_invitations",
    PasskeyInvitationRecord,
    Index(name="passkey_invitations_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "links to add a passkey of staff: for whom, a hash of the secret",
            "id identity_id session_version passkey_id created_at expires_at",
            "until it is used, 15 minutes at most",
            "staff adds a passkey",
            "use, cleanup",
        ),
    ),
)


def make_staff_passkeys_repositories(database: Database) -> StaffPasskeyRepositories:
    """Return the repositories of passkeys of the staff."""
    mapping = RecordMapping(PASSKEY_INVITATIONS, PasskeyInvitation)
    return StaffPasskeyRepositories(invitations=RecordRepository(database.records, mapping))


KINDS: Final = (PASSKEY_INVITATIONS,)
