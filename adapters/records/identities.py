"""The stored form of identities."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from adapters.records.mapping import RecordMapping
from adapters.records.phone_encryption import PhoneEncryption
from adapters.records.record_kind import Record, RecordKind
from domain.identities.identity import Identity
from domain.identities.phone_change import PhoneChange
from domain.identities.user_events import EventType, UserEvents
from domain.identities.username import Username


class UsernameRecord(msgspec.Struct, gc=False):
    """A name as first written. Its key is that of the identity."""

    text: str


class UserRecord(msgspec.Struct, gc=False):
    """What an identity shows of itself."""

    username: UsernameRecord
    created_at: datetime


class RefreshTokensRecord(msgspec.Struct, gc=False):
    """The state of a session's refresh tokens; the tokens themselves are never stored."""

    nonce: bytes
    rotated_at: datetime
    generation: int = 1
    is_confirmed: bool = True
    previous: int | None = None
    oldest_valid: int = 0
    network: str | None = None


class TokenRepeatRecord(msgspec.Struct, gc=False):
    """A refresh token came again, from another network."""

    session_id: str
    repeated_at: datetime


class SessionRecord(msgspec.Struct, gc=False):
    """A session.

    Its claims are text, since databases do not store all of JSON: no zero byte in PostgreSQL, no
    integer of more than 64 bits in MongoDB.
    """

    id: str
    created_at: datetime
    expires_at: datetime
    device: str | None = None
    last_used_at: datetime | None = None
    token_family: RefreshTokensRecord | None = None
    idle_expires_at: datetime | None = None
    is_used: bool = False
    repeats: int = 0
    claims: str = ""


class DeviceRecord(msgspec.Struct, gc=False):
    """A device that is recognized by its token; the token itself is never stored."""

    id: str
    session_id: str
    expires_at: datetime


class PasskeyRecord(msgspec.Struct, gc=False):
    """The public key of a passkey."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    last_used_at: datetime | None = None


class UsedChallengeRecord(msgspec.Struct, gc=False):
    """A challenge that opened a session."""

    id: str
    expires_at: datetime
    session_id: str | None = None
    request_id: str | None = None
    client_ip_hash: str | None = None


class ConsentRecord(msgspec.Struct, gc=False):
    """What a caller agreed to."""

    wording: str
    language: str
    given_at: datetime


class PhoneChangeRecord(msgspec.Struct, gc=False):
    """A change of the phone that is under way, with both numbers encrypted."""

    started_at: datetime
    attempted_at: datetime
    encrypted_new_phone: bytes = b""
    encrypted_old_phone: bytes = b""
    step: Literal["assign", "release", "notify"] = "assign"
    is_undo: bool = False
    is_disown: bool = False
    undo_until: datetime | None = None
    kept_session_id: str | None = None
    is_by_operator: bool = False
    locale: str | None = None


class UserEventRecord(msgspec.Struct, gc=False):
    """An event."""

    number: int
    type: EventType
    occurred_at: datetime


class EventProgressRecord(msgspec.Struct, gc=False):
    """How far a destination is."""

    destination: str
    sent_number: int = 0
    failures: int = 0
    first_failed_at: datetime | None = None
    next_attempt_at: datetime | None = None
    gave_up_at: datetime | None = None


class UserEventsRecord(msgspec.Struct, gc=False, omit_defaults=True):
    """The events of a user. When one is sent next is a field of the identity, for its index.

    Most of the time it is only a number.
    """

    last_number: int = 0
    unsent: tuple[UserEventRecord, ...] = ()
    progress: tuple[EventProgressRecord, ...] = ()


class IdentityRecord(Record, kw_only=True):
    """An identity. `username_key` is unique. It stays as it is while the name does.

    Only the name of somebody with a role has a look-alike key.
    """

    phone: ClassVar[None] = None  # only encrypted

    id: str
    created_at: datetime
    encrypted_phone: bytes | None = None
    username_key: str | None = None
    staff_look_alike_key: str | None = None
    role: Literal["member", "support", "moderator", "auditor", "administrator"] = "member"
    staff_role: str | None = None
    role_given_after: datetime | None = None
    user: UserRecord | None = None
    # Without a default: of a record without them, nobody may conclude that all have ended.
    sessions: tuple[SessionRecord, ...]
    devices: tuple[DeviceRecord, ...] = ()
    used_challenges: tuple[UsedChallengeRecord, ...] = ()
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    blocked_at: datetime | None = None
    detached_at: datetime | None = None
    last_used_at: datetime | None = None
    days_of_use: int = 0
    is_verified: bool = True
    consent: ConsentRecord | None = None
    external_id: str | None = None
    imported_at: datetime | None = None
    was_blocked_by_import: bool = False
    expires_at: datetime | None = None
    phone_change_record: PhoneChangeRecord | None = msgspec.field(name="phone_change", default=None)
    phone_change_attempted_at: datetime | None = None
    undo_deadlines: tuple[datetime, ...] = ()
    phone_change_allowed_at: datetime | None = None
    events_record: UserEventsRecord | None = msgspec.field(name="events", default=None)
    next_send_at: datetime | None = None
    events_failed_at: datetime | None = None
    session_version: int = 0
    token_repeats: tuple[TokenRepeatRecord, ...] = ()
    claims: str = ""
    passkeys: tuple[PasskeyRecord, ...] = ()

    @property
    def encrypted_phones(self) -> list[bytes]:
        """Its phone, and both of a change under way."""
        phones = [self.encrypted_phone] if self.encrypted_phone is not None else []
        if (change := self.phone_change_record) is not None:
            phones += [change.encrypted_new_phone, change.encrypted_old_phone]
        return phones

    def map_phones(self, change: Callable[[bytes], bytes]) -> "IdentityRecord":
        phone, under_way = self.encrypted_phone, self.phone_change_record
        return msgspec.structs.replace(
            self,
            encrypted_phone=None if phone is None else change(phone),
            phone_change_record=under_way
            and msgspec.structs.replace(
                under_way,
                encrypted_new_phone=change(under_way.encrypted_new_phone),
                encrypted_old_phone=change(under_way.encrypted_old_phone),
            ),
        )


class IdentityMapping(RecordMapping[Identity, IdentityRecord]):
    """The mapping of identities, which encrypts their phones and keeps the keys of their names."""

    def __init__(
        self,
        kind: RecordKind[IdentityRecord],
        encryption: PhoneEncryption,
        *,
        keeps_events: bool = True,
    ) -> None:
        """Take the kind, and the encryption of the phones.

        Args:
            kind: The kind.
            encryption: Encrypts and decrypts the phones.
            keeps_events: Whether events are recorded. Those that are stored stay in any case.
        """
        super().__init__(kind, Identity)
        self._encryption = encryption
        self._keeps_events = keeps_events

    def to_record(self, value: Identity) -> IdentityRecord:
        """Return the record of an identity, with its phones encrypted anew."""
        record = super().to_record(value)
        if value.phone is not None:
            record.encrypted_phone = self._encryption.encrypt(value.phone, value.id)
        if (change := value.phone_change) is not None:
            changed = msgspec.convert(change, PhoneChangeRecord, from_attributes=True)
            changed.encrypted_new_phone = self._encryption.encrypt(change.new_phone, value.id)
            changed.encrypted_old_phone = self._encryption.encrypt(change.old_phone, value.id)
            record.phone_change_record = changed
        is_new = value.events.is_recording  # it was made here, or by a process that keeps events
        if value.events.last_number == 0 or (is_new and not self._keeps_events):
            record.events_record = record.next_send_at = record.events_failed_at = None
        return record

    def to_value(self, record: IdentityRecord) -> Identity:
        """Return the identity of a record, with its phones decrypted and the key of its name.

        Raises:
            CorruptRecord: The key of the phone is not available.
        """
        identity = super().to_value(record)
        phone, user = identity.phone, identity.user
        if record.encrypted_phone is not None:
            phone = self._encryption.decrypt(record.encrypted_phone, record.id)
        if user is not None:
            user = replace(user, username=Username(user.username.text, record.username_key))
        return replace(
            identity,
            phone=phone,
            user=user,
            phone_change=self._to_phone_change(record),
            events=replace(_to_events(record), is_recording=self._keeps_events),
        )

    def _to_phone_change(self, record: IdentityRecord) -> PhoneChange | None:
        if (change := record.phone_change_record) is None:
            return None
        phones = {
            "new_phone": self._encryption.decrypt(change.encrypted_new_phone, record.id),
            "old_phone": self._encryption.decrypt(change.encrypted_old_phone, record.id),
        }
        return msgspec.convert({**msgspec.structs.asdict(change), **phones}, PhoneChange)


def _to_events(record: IdentityRecord) -> UserEvents:
    if record.events_record is None:
        return UserEvents()
    events = msgspec.convert(record.events_record, UserEvents, from_attributes=True)
    return replace(events, next_send_at=record.next_send_at)
