"""The stored form of identities."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Final, Literal

import msgspec

from adapters.databases.records.record_kind import Record
from adapters.databases.records.retention import WITH_ACCOUNT, Retention
from domain.identities.device_token import DEVICE_TOKEN_TTL, RecognizedDevice
from domain.identities.identity import (
    UNVERIFIED_TTL,
    USERNAME_RESERVATION,
    Consent,
    UsedChallenge,
)
from domain.identities.passkey import Passkey
from domain.identities.role import Invitation
from domain.identities.session import TOKEN_REPEAT_TTL, Session, TokenRepeat
from domain.identities.user_events import MAX_UNSENT_EVENTS, EventProgress, UserEvent


class UsernameRecord(msgspec.Struct, gc=False):
    """A name as first written. Its key is that of the identity."""

    text: str


class UserRecord(msgspec.Struct, gc=False):
    """What an identity shows of itself."""

    username: UsernameRecord
    created_at: datetime


class StaffRecord(msgspec.Struct, gc=False, omit_defaults=True):
    """What somebody of the staff has. Nothing is stored of a member."""

    role: Literal["member", "support", "moderator", "auditor", "administrator"] = "member"
    needs_passkey: bool = False
    invitation: Invitation | None = None


class PhoneChangeRecord(msgspec.Struct, gc=False):
    """A change of the phone that is under way, with both numbers encrypted.

    One of an identity that was detached has no old number.
    """

    started_at: datetime
    attempted_at: datetime
    encrypted_new_phone: bytes = b""
    encrypted_old_phone: bytes | None = None
    step: Literal["assign", "release", "notify"] = "assign"
    kept_session_id: str | None = None
    is_by_operator: bool = False


class ImportedRecord(msgspec.Struct, gc=False, omit_defaults=True):
    """What imports did to an identity."""

    at: datetime | None = None
    was_blocked: bool = False


class UserEventsRecord(msgspec.Struct, gc=False, omit_defaults=True):
    """The events of a user: most of the time only a number."""

    last_number: int = 0
    unsent: tuple[UserEvent, ...] = ()
    progress: tuple[EventProgress, ...] = ()
    next_send_at: datetime | None = None


class IdentityRecord(Record, kw_only=True):
    """An identity. `username_key` is unique. It stays as it is while the name does.

    Only the name of somebody with a role has a look-alike key. The fields at the end are there for
    indexes only.
    """

    phone: ClassVar[None] = None  # only encrypted

    id: str
    created_at: datetime
    encrypted_phone: bytes | None = None
    username_key: str | None = None
    staff: StaffRecord = msgspec.field(default_factory=StaffRecord)
    user: UserRecord | None = None
    # Without a default: a record without them does not mean that all have ended.
    sessions: tuple[Session, ...]
    devices: tuple[RecognizedDevice, ...] = ()
    used_challenges: tuple[UsedChallenge, ...] = ()
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    blocked_at: datetime | None = None
    detached_at: datetime | None = None
    last_used_at: datetime | None = None
    has_signed_in: bool = False
    is_verified: bool = True
    consent: Consent | None = None
    external_id: str | None = None
    claims: str = ""
    imported: ImportedRecord = msgspec.field(default_factory=ImportedRecord)
    phone_change_record: PhoneChangeRecord | None = msgspec.field(name="phone_change", default=None)
    events: UserEventsRecord = msgspec.field(default_factory=UserEventsRecord)
    token_repeats: tuple[TokenRepeat, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    expires_at: datetime | None = None
    staff_role: str | None = None
    staff_look_alike_key: str | None = None
    phone_change_attempted_at: datetime | None = None
    passkey_added_at: datetime | None = None
    next_send_at: datetime | None = None
    events_failed_at: datetime | None = None

    @property
    def encrypted_phones(self) -> list[bytes]:
        phones = [self.encrypted_phone]
        if (change := self.phone_change_record) is not None:
            phones += [change.encrypted_new_phone, change.encrypted_old_phone]
        return [phone for phone in phones if phone is not None]

    def map_phones(self, change: Callable[[bytes], bytes]) -> "IdentityRecord":
        phone, under_way = self.encrypted_phone, self.phone_change_record
        if under_way is not None:
            old_phone = under_way.encrypted_old_phone
            under_way = msgspec.structs.replace(
                under_way,
                encrypted_new_phone=change(under_way.encrypted_new_phone),
                encrypted_old_phone=None if old_phone is None else change(old_phone),
            )
        return msgspec.structs.replace(
            self,
            encrypted_phone=None if phone is None else change(phone),
            phone_change_record=under_way,
        )


IDENTITY_RETENTION: Final = (
    Retention(
        "phone number, encrypted",
        "encrypted_phone",
        "as long as the account",
        "sign-in; its owner and operators see it",
        "deletion, then cleanup",
        "`account.json`",
    ),
    Retention(
        "id, number of the last event, and when the account was made, deleted and cleaned up",
        "id created_at deleted_at purged_at events(last_number)",
        "for ever, without a link to a person",
        "no id is used again",
        "nothing",
        "`account.json`",
    ),
    Retention(
        "role, block, last use, import",
        "staff(role needs_passkey) staff_role blocked_at detached_at last_used_at has_signed_in"
        " is_verified expires_at imported(at was_blocked)",
        "as long as the account; of a caller who never signed in"
        f" {UNVERIFIED_TTL.days} days after the last call",
        "rights; whether the number has another owner",
        WITH_ACCOUNT,
        "`account.json`",
    ),
    Retention(
        "username; how that of staff looks, hashed",
        "user(username(text) created_at) username_key staff_look_alike_key",
        f"as long as the account, and {USERNAME_RESERVATION.days} days more; the hash as long as"
        " the role",
        "other users see it, and no other user has it",
        export="`account.json`",
    ),
    Retention(
        'sessions: kind of device ("Chrome on Android"), times, way of the login, claims of the'
        " login hook; network of the login or last refresh, hashed",
        "sessions(id device created_at expires_at last_used_at idle_expires_at is_used repeats"
        " amr kind cookie_hash claims network token_family(nonce rotated_at generation is_confirmed"
        " previous oldest_valid))",
        "until logout, or the first login after its end",
        "users see and end them; a stolen token is noticed",
        f"logout, block, login; {WITH_ACCOUNT}",
        "`sessions.json`",
    ),
    Retention(
        "refresh tokens that came again from another network: when, which session",
        "token_repeats(session_id repeated_at)",
        f"until the first login after {TOKEN_REPEAT_TTL.days} days; at most five",
        "support sees a stolen session",
        f"login; {WITH_ACCOUNT}",
        "`sessions.json`",
    ),
    Retention(
        "recognized devices: session, and a hash of the device token",
        "devices(id session_id expires_at)",
        f"until the first login {DEVICE_TOKEN_TTL.days} days after the last there; at most ten",
        "the device has its own limits",
        f"login, logout everywhere, change of the number; {WITH_ACCOUNT}",
        "`sessions.json`",
    ),
    Retention(
        "codes that signed in or changed the number, without the code; by the older app's paths"
        " the client IP, hashed",
        "used_challenges(id expires_at session_id request_id client_ip_hash)",
        "until the first login after the code expired",
        "a repeated login gets the same session",
        f"login; {WITH_ACCOUNT}, the ids five minutes later",
    ),
    Retention(
        "both numbers of a change of the number, encrypted",
        "phone_change(encrypted_new_phone encrypted_old_phone step started_at attempted_at"
        " kept_session_id is_by_operator) phone_change_attempted_at",
        "until the former number has its message, one day at most",
        "an interrupted change is completed",
        "the change, cleanup",
        "`account.json`, without the numbers",
    ),
    Retention(
        "passkeys of users and staff: public key, uses, name, times",
        "passkeys(credential_id public_key sign_count name created_at last_used_at is_staff rp_id)"
        " passkey_added_at",
        "as long as the account, or the role; at most ten of each",
        "sign-in without a message",
        f"owner, operator; {WITH_ACCOUNT}",
        "`passkeys.json`",
    ),
    Retention(
        "a link to add a passkey of staff: a hash of the secret, who made it",
        "staff(invitation(secret_hash expires_at made_by))",
        "until it is used, or the next one is made",
        "staff adds a passkey",
        "use, sign-out of all sessions",
    ),
    Retention(
        "what a caller who joined by phone agreed to: wording, language, time",
        "consent(wording language given_at)",
        "as long as the account",
        "proof of the consent",
        WITH_ACCOUNT,
        "`account.json`",
    ),
    Retention(
        "id in another system, claims in tokens",
        "external_id claims",
        "as long as the account",
        "your services know the user",
        f"operator; {WITH_ACCOUNT}",
        "`account.json`",
    ),
    Retention(
        "events that were not sent yet; progress of each destination",
        "events(unsent(number type occurred_at) progress(destination sent_number failures"
        " first_failed_at next_attempt_at gave_up_at failure_reason) next_send_at)"
        " next_send_at events_failed_at",
        f"until all destinations accepted them, also after a deletion; at most {MAX_UNSENT_EVENTS}",
        "the backend knows what happened",
        "acceptance",
        "`account.json`: type and time",
    ),
)
