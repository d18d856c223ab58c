"""The mapping of the fields: what is stored, and what it is in the domain.

Each pair of functions is the table of one kind of value: `decode_…` makes the value from its stored
fields, `encode_…` returns the fields to store.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, Self

from adapters.mongo.documents import (
    CallDocument,
    DeliveryReportDocument,
    IdentityDocument,
    MediaItemDocument,
    PhoneVerificationDocument,
)
from adapters.mongo.mapping.calls import decode_call, encode_call
from adapters.mongo.mapping.delivery_reports import (
    decode_delivery_report,
    encode_delivery_report,
)
from adapters.mongo.mapping.identities import IdentityFields
from adapters.mongo.mapping.media_items import decode_media_item, encode_media_item
from adapters.mongo.mapping.phone_verifications import (
    count_on_request_ids,
    decode_phone_verification,
    encode_phone_verification,
    hash_client_ips,
)
from adapters.mongo.record_mapping import RecordMapping, Upgrade
from application.ports.phone_encryption import PhoneEncryption
from domain.identities.identity import Identity
from domain.media.item import MediaItem
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.values import dataclass
from domain.voice.call import Call

# One upgrade for each schema version after the first; see `adapters.mongo.record_mapping`.
IDENTITY_UPGRADES: Final[Sequence[Upgrade]] = ()
MEDIA_ITEM_UPGRADES: Final[Sequence[Upgrade]] = ()


@dataclass(frozen=True, slots=True)
class Mappings:
    """The mapping of each aggregate."""

    phone_verifications: RecordMapping[PhoneVerification]
    identities: RecordMapping[Identity]
    media_items: RecordMapping[MediaItem]
    calls: RecordMapping[Call]
    delivery_reports: RecordMapping[DeliveryReport]

    @classmethod
    def of(cls, phone_encryption: PhoneEncryption) -> Self:
        """Make the mappings; identities are stored with encrypted phones."""
        identity_fields = IdentityFields(phone_encryption)
        return cls(
            RecordMapping(
                PhoneVerificationDocument,
                decode_phone_verification,
                encode_phone_verification,
                [partial(hash_client_ips, phone_encryption), count_on_request_ids],
            ),
            RecordMapping(
                IdentityDocument,
                identity_fields.decode,
                identity_fields.encode,
                IDENTITY_UPGRADES,
                encode_again=identity_fields.encode,
            ),
            RecordMapping(
                MediaItemDocument, decode_media_item, encode_media_item, MEDIA_ITEM_UPGRADES
            ),
            RecordMapping(CallDocument, decode_call, encode_call),
            RecordMapping(DeliveryReportDocument, decode_delivery_report, encode_delivery_report),
        )
