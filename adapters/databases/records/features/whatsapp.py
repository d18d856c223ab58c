"""The records of codes by WhatsApp."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.databases.records.record_repository import RecordRepository
from adapters.databases.records.retention import Retention
from application.features.whatsapp import WhatsAppRepositories
from domain.features.whatsapp import UnreachableNumber, WhatsAppDelivery
from domain.otp.delivery import Channel
from domain.otp.messages import MessagePreferences, Platform


class WhatsAppDeliveryRecord(Record, kw_only=True):
    """A message by WhatsApp whose code is valid, with the number encrypted."""

    id: str
    encrypted_phone: bytes
    expires_at: datetime
    platform: Literal["general", "ios", "android", "web"] = "general"
    locale: str | None = None
    app_hash: str | None = None
    next_channels: tuple[Literal["sms", "voice", "whatsapp"], ...] = ()

    @property
    def encrypted_phones(self) -> list[bytes]:
        return [self.encrypted_phone]

    def map_phones(self, change: Callable[[bytes], bytes]) -> "WhatsAppDeliveryRecord":
        return msgspec.structs.replace(self, encrypted_phone=change(self.encrypted_phone))


class UnreachableNumberRecord(Record, kw_only=True):
    """A number that WhatsApp does not reach. Its id is the blind index."""

    id: str
    expires_at: datetime


WHATSAPP_DELIVERIES: Final = RecordKind(
    "whatsapp_deliveries",
    WhatsAppDeliveryRecord,
    Index(name="whatsapp_deliveries_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "number of a code by WhatsApp, encrypted; platform and language",
            "id encrypted_phone expires_at platform locale app_hash next_channels",
            "as long as the code, five minutes",
            "the code goes another way",
        ),
    ),
)

UNREACHABLE_NUMBERS: Final = RecordKind(
    "unreachable_numbers",
    UnreachableNumberRecord,
    Index(name="unreachable_numbers_expires_at", order=EXPIRES_AT),
    retention=(
        Retention(
            "numbers that WhatsApp did not reach, keyed hashes",
            "id expires_at",
            "seven days; until a message or login by WhatsApp, or the end of the account",
            "the next code goes by SMS",
            "login, cleanup",
        ),
    ),
    is_keyed=True,
)


class WhatsAppDeliveryMapping(RecordMapping[WhatsAppDelivery, WhatsAppDeliveryRecord]):
    """The mapping of messages by WhatsApp, which encrypts their numbers."""

    def __init__(self, encryption: PhoneEncryption) -> None:
        super().__init__(WHATSAPP_DELIVERIES, WhatsAppDelivery)
        self._encryption = encryption

    def to_record(self, value: WhatsAppDelivery) -> WhatsAppDeliveryRecord:
        return WhatsAppDeliveryRecord(
            schema_version=self.kind.schema_version,
            id=value.id,
            encrypted_phone=self._encryption.encrypt(value.phone, value.id),
            expires_at=value.expires_at,
            platform=value.preferences.platform.value,
            locale=value.preferences.locale,
            app_hash=value.preferences.app_hash,
            next_channels=tuple(channel.value for channel in value.next_channels),
        )

    def to_value(self, record: WhatsAppDeliveryRecord) -> WhatsAppDelivery:
        return WhatsAppDelivery(
            id=record.id,
            phone=self._encryption.decrypt(record.encrypted_phone, record.id),
            preferences=MessagePreferences(
                Platform(record.platform), record.locale, record.app_hash
            ),
            next_channels=tuple(map(Channel, record.next_channels)),
            expires_at=record.expires_at,
        )


def make_whatsapp_repositories(
    database: Database, encryption: PhoneEncryption
) -> WhatsAppRepositories:
    """Return the repositories of codes by WhatsApp."""
    records = database.records
    numbers = RecordMapping(UNREACHABLE_NUMBERS, UnreachableNumber)
    return WhatsAppRepositories(
        deliveries=RecordRepository(records, WhatsAppDeliveryMapping(encryption)),
        unreachable_numbers=RecordRepository(records, numbers, do_ids_return=True),
    )


KINDS: Final = (WHATSAPP_DELIVERIES, UNREACHABLE_NUMBERS)
