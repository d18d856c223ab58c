"""The stored form of phone verifications, and their repository over the records of a database."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from adapters.records.mapping import Record, RecordMapping
from adapters.records.phone_encryption import PhoneEncryption
from application.ports.versioned import Versioned
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


class LoginRecord(msgspec.Struct, gc=False):
    """The login that the code of a challenge was used for."""

    identity_id: str
    session_id: str
    request_id: str | None = None


class ChallengeRecord(msgspec.Struct, gc=False):
    """A challenge; its code is derived and never stored."""

    id: str
    purpose: Literal["sign_in"]
    nonce: bytes
    key_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    login: LoginRecord | None = None


class AttemptCounterRecord(msgspec.Struct, gc=False):
    """The attempts of a request id, an IP or a device at one delivery."""

    kind: Literal[
        "first_request",
        "later_request",
        "device_request",
        "ip",
        "unknown_ip",
        "device",
        "callback",
    ]
    id: str
    limit: int
    used: int = 0
    last_digest: str | None = None
    last_counted_at: datetime | None = None


class ClientIpRecord(msgspec.Struct, gc=False):
    """Keyed hashes of a client IP and of its network."""

    ip: str
    network: str
    is_ipv6: bool = False


class DeliveryRecord(msgspec.Struct, gc=False):
    """A message or a call with the code of a challenge."""

    request_id: str
    challenge_id: str
    client_ip: ClientIpRecord
    sent_at: datetime
    attempt_limit: int
    device_id: str | None = None
    uses_own_quota: bool = False
    counters: tuple[AttemptCounterRecord, ...] = ()
    channel: Literal["sms", "voice"] = "sms"
    call_id: str | None = None


class CallbackRecord(msgspec.Struct, gc=False):
    """A call with a code, because somebody asked for it by calling."""

    challenge: ChallengeRecord
    requested_at: datetime
    call_id: str
    counter: AttemptCounterRecord
    reservation_id: str = ""


class DeviceFailuresRecord(msgspec.Struct, gc=False):
    """The failed attempts in a row of a device."""

    device_id: str
    count: int
    last_failed_at: datetime


class FailuresRecord(msgspec.Struct, gc=False):
    """The failed attempts in a row of the phone, and of each device."""

    in_a_row: int = 0
    last_failed_at: datetime | None = None
    by_device: tuple[DeviceFailuresRecord, ...] = ()


class TrustedIpRecord(msgspec.Struct, gc=False):
    """A client IP from which the phone logged in."""

    client_ip_hash: str
    last_login_at: datetime


class CallLocaleRecord(msgspec.Struct, gc=False):
    """The locale that was chosen in a call of the phone."""

    tag: str
    chosen_at: datetime


class PhoneVerificationRecord(Record, kw_only=True):
    """What is known about a phone. The key of the record is the blind index of the phone.

    `encrypted_phone` is set while the phone is blocked: only with the phone can a block move to
    another index key.
    """

    expires_at: datetime | None = None
    client_ips_expire_at: datetime | None = None
    identity_id: str | None = None
    blocked_at: datetime | None = None
    encrypted_phone: bytes | None = None
    challenges: tuple[ChallengeRecord, ...] = ()
    deliveries: tuple[DeliveryRecord, ...] = ()
    shared_attempts: tuple[datetime, ...] = ()
    failures: FailuresRecord = msgspec.field(default_factory=FailuresRecord)
    trusted_ips: tuple[TrustedIpRecord, ...] = ()
    callbacks: tuple[CallbackRecord, ...] = ()
    call_locale: CallLocaleRecord | None = None
    rejected_callbacks: tuple[datetime, ...] = ()


PHONE_VERIFICATIONS: Final = RecordMapping(
    "phone_verifications", PhoneVerificationRecord, PhoneVerification
)

_VERSION_BITS: Final = 62


def make_first_version() -> int:
    """Return a random version for a record that is added.

    A record that was loaded, expired and was deleted could otherwise replace a new one that has
    reached the same version.
    """
    return 1 + random.getrandbits(_VERSION_BITS)


def encrypt_if_blocked(
    verification: PhoneVerification,
    phone: PhoneNumber,
    phone_index: str,
    encryption: PhoneEncryption,
) -> PhoneVerificationRecord:
    """Return the record of a verification, with the phone if it is blocked."""
    record = PHONE_VERIFICATIONS.to_record(verification)
    if verification.blocked_at is not None:
        record.encrypted_phone = encryption.encrypt(phone, phone_index)
    return record


def prune_record(record: PhoneVerificationRecord, now: datetime) -> PhoneVerificationRecord:
    """Return the record without what has expired; the phone of a blocked one stays."""
    pruned = PHONE_VERIFICATIONS.to_record(PHONE_VERIFICATIONS.to_value(record).prune(now))
    pruned.encrypted_phone = record.encrypted_phone
    return pruned


class Records(Protocol):
    """The records of phone verifications in a database, by their ids."""

    async def load(self, record_id: str, /) -> Versioned[PhoneVerification] | None:
        """Load the record with this id, or return None."""
        ...

    async def add_record(
        self, record_id: str, record: PhoneVerificationRecord, version: int, /
    ) -> bool:
        """Add a record at this version, unless its id is taken."""
        ...

    async def replace_record(
        self, record_id: str, record: PhoneVerificationRecord, version: int, /
    ) -> bool:
        """Replace the known fields of a record if it has this version."""
        ...

    async def list_records(
        self, field: str, time: datetime, limit: int, /
    ) -> Sequence[tuple[str, PhoneVerificationRecord, int]]:
        """List records whose time in a field is this one or earlier, with id and version."""
        ...

    async def delete_expired(self, now: datetime, limit: int, /) -> int:
        """Delete up to `limit` records whose `expires_at` has passed, and return their number."""
        ...


@dataclass(frozen=True, slots=True)
class PhoneVerificationRepository:
    """Phone verifications by the blind index of the phone. That of a blocked one is encrypted."""

    records: Records
    encryption: PhoneEncryption

    async def load(self, phone: PhoneNumber) -> Versioned[PhoneVerification]:
        """Load the record, or an empty one at version 0."""
        loaded = await self.records.load(self.encryption.blind_index(phone))
        return loaded or Versioned(PhoneVerification(), 0)

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        """Replace the record if it has this version; version 0 adds it."""
        phone_index = self.encryption.blind_index(phone)
        record = encrypt_if_blocked(verification, phone, phone_index, self.encryption)
        if version == 0:
            return await self.records.add_record(phone_index, record, make_first_version())
        return await self.records.replace_record(phone_index, record, version)

    async def prune(self, now: datetime, limit: int) -> int:
        """Prune up to `limit` records with expired client IPs, and return their number."""
        pruned = 0
        expired = await self.records.list_records("client_ips_expire_at", now, limit)
        for phone_index, record, version in expired:
            changed = prune_record(record, now)
            pruned += await self.records.replace_record(phone_index, changed, version)
        return pruned

    async def delete_expired(self, now: datetime, limit: int) -> int:
        """Delete up to `limit` expired records, and return their number."""
        return await self.records.delete_expired(now, limit)
