"""Records in which each field has a value other than its default, and each kind of value occurs.

They are those of SQLite's golden file; that of MongoDB has the same ones. No service makes all of
them: an identity is not blocked and deleted, for example.
"""

import json
from pathlib import Path
from typing import Any, Final

from domain.identities.identity import Identity
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.voice.call import Call
from tests.support.fakes.database import MAPPINGS

_GOLDEN: Final = Path(__file__).parents[1] / "integration/golden/sqlite_full_records.json"
FULL_RECORDS: Final[dict[str, list[Any]]] = {
    table: [
        MAPPINGS[table].decode(1, MAPPINGS[table].schema_version, json.dumps(fields)).value
        for fields in records
    ]
    for table, records in json.loads(_GOLDEN.read_bytes()).items()
}
"""All of them, by the name of their table or collection."""

FULL_VERIFICATION: Final[PhoneVerification] = FULL_RECORDS["phone_verifications"][0]
FULL_IDENTITY: Final[Identity] = FULL_RECORDS["identities"][0]
FULL_REPORT: Final[DeliveryReport] = FULL_RECORDS["delivery_reports"][0]
FULL_CALL: Final[Call] = FULL_RECORDS["calls"][0]
