"""Records in which each field has a value other than its default, and each kind of value occurs.

No service makes all of them: an identity is not blocked and deleted, for example.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from domain.identities.identity import Identity
from domain.media.item import MediaItem
from domain.otp.delivery_report import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.voice.call import PendingEffect
from tests.support.builders import NOW, a_call
from tests.support.full_call import EFFECTS, FULL_CALL, MENU


@dataclass(frozen=True)
class _Records:
    """The fields of `full_records.json`."""

    verification: PhoneVerification
    identity: Identity
    item: MediaItem
    report: DeliveryReport


_RECORDS: Final = msgspec.json.decode(
    Path(__file__).with_suffix(".json").read_bytes(), type=_Records
)
FULL_VERIFICATION: Final = _RECORDS.verification
FULL_IDENTITY: Final = _RECORDS.identity
FULL_REPORT: Final = _RECORDS.report
FULL_RECORDS: Final[dict[str, list[Any]]] = {
    "phone_verifications": [FULL_VERIFICATION],
    "identities": [FULL_IDENTITY],
    "media_items": [_RECORDS.item],
    "calls": [
        FULL_CALL,
        *(a_call(pending_effect=PendingEffect(MENU, effect, NOW)) for effect in EFFECTS[1:]),
    ],
    "delivery_reports": [FULL_REPORT],
}
"""All of them, by the name of their table or collection."""
