"""Records in which each field has a value other than its default, and each kind of value occurs.

They are those of the golden file, which no later version changes. No service makes all of them: an
identity is not blocked and deleted, for example.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from adapters.records.calls import CALLS
from adapters.records.delivery_reports import DELIVERY_REPORTS
from adapters.records.idempotency_keys import IDEMPOTENCY_KEYS
from adapters.records.identities import IdentityMapping
from adapters.records.media_items import MEDIA_ITEMS
from adapters.records.media_usages import MEDIA_USAGES
from adapters.records.phone_verifications import PHONE_VERIFICATIONS
from adapters.records.rate_limits import RATE_LIMITS, RESERVATIONS
from domain.identities.identity import Identity
from domain.media.idempotency import IdempotencyKey
from domain.media.usage import MediaUsage
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.voice.call import Call
from tests.support.fakes.phone_encryption import FakePhoneEncryption

GOLDEN_RECORDS: Final = Path(__file__).parents[1] / "unit/golden/records_1.json"
MAPPINGS: Final[Mapping[str, Any]] = {
    mapping.name: mapping
    for mapping in (
        PHONE_VERIFICATIONS,
        IdentityMapping(FakePhoneEncryption()),
        MEDIA_ITEMS,
        CALLS,
        DELIVERY_REPORTS,
        MEDIA_USAGES,
        IDEMPOTENCY_KEYS,
        RATE_LIMITS,
        RESERVATIONS,
    )
}
"""The mapping of each kind of record."""
FULL_RECORDS: Final[dict[str, list[Any]]] = {
    name: [MAPPINGS[name].decode(json.dumps(fields)) for fields in records]
    for name, records in json.loads(GOLDEN_RECORDS.read_bytes()).items()
}
"""All of them, by the name of their table or collection."""

FULL_VERIFICATION: Final[PhoneVerification] = FULL_RECORDS["phone_verifications"][0]
FULL_IDENTITY: Final[Identity] = FULL_RECORDS["identities"][0]
FULL_REPORT: Final[DeliveryReport] = FULL_RECORDS["delivery_reports"][0]
FULL_USAGE: Final[MediaUsage] = FULL_RECORDS["media_usages"][0]
FULL_KEY: Final[IdempotencyKey] = FULL_RECORDS["idempotency_keys"][0]
FULL_CALL: Final[Call] = FULL_RECORDS["calls"][0]
