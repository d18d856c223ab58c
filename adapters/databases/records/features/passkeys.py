"""The records of passkeys that are being used or added. Those that are there are in identities."""

from datetime import datetime
from typing import Final, Literal

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from application.features.passkeys.ports import PasskeyRepositories
from domain.features.passkeys import PasskeyChallenge, PasskeyInvitation


class PasskeyChallengeRecord(Record, kw_only=True):
    """A challenge that was not used. Its id is its hash."""

    id: str
    purpose: Literal["sign_in", "enrol", "use_for_enrolment"]
    invitation_id: str = ""
    created_at: datetime
    expires_at: datetime


class PasskeyInvitationRecord(Record, kw_only=True):
    """An invitation that was not used. Its id is the hash of its secret."""

    id: str
    identity_id: str
    session_version: int
    passkey_id: str = ""
    created_at: datetime
    expires_at: datetime


PASSKEY_CHALLENGES: Final = RecordKind(
    "passkey_challenges",
    PasskeyChallengeRecord,
    Index(name="passkey_challenges_expires_at", order=EXPIRES_AT),
)
PASSKEY_INVITATIONS: Final = RecordKind(
    "passkey_invitations",
    PasskeyInvitationRecord,
    Index(name="passkey_invitations_expires_at", order=EXPIRES_AT),
)


def make_passkeys_repositories(database: Database) -> PasskeyRepositories:
    """Return the repositories of passkeys."""
    challenges = RecordMapping(PASSKEY_CHALLENGES, PasskeyChallenge)
    invitations = RecordMapping(PASSKEY_INVITATIONS, PasskeyInvitation)
    return PasskeyRepositories(
        challenges=RecordRepository(database.records, challenges),
        invitations=RecordRepository(database.records, invitations),
    )


KINDS: Final = (PASSKEY_CHALLENGES, PASSKEY_INVITATIONS)
