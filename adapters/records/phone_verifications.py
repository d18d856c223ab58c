"""The stored form of phone verifications, and their repository over the records of a database."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from adapters.records.mapping import Record, RecordMapping
from adapters.records.phone_encryption import PhoneEncryption
from application.ports.versioned import Versioned
from domain.otp.callback import Callback
from domain.otp.challenge import Challenge
from domain.otp.delivery import Delivery
from domain.otp.failures import Failures
from domain.otp.phone_verification import CallLocale, PhoneVerification, TrustedIp
from domain.phone import PhoneNumber


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
    challenges: tuple[Challenge, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    shared_attempts: tuple[datetime, ...] = ()
    failures: Failures = Failures()
    trusted_ips: tuple[TrustedIp, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    call_locale: CallLocale | None = None


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
