"""Records in which each field has a value other than its default, and each kind of value occurs.

They are those of the golden file, which no later version changes. No service makes all of them: an
identity is not blocked and deleted, for example.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from adapters.databases.records import features
from adapters.databases.records.kinds import (
    AUDIT_ENTRIES,
    DELIVERY_REPORTS,
    INSTANCES,
    LEASES,
    PHONE_VERIFICATIONS,
    LeaseRecord,
)
from adapters.databases.records.limits import LIMITS, LimitRecord
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.repositories import IdentityMapping
from domain.administration.audit import AuditEntry
from domain.instance import Instance
from domain.otp.delivery import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.phone_encryption import FakePhoneEncryption


def find_mappings_of_features() -> Iterator[RecordMapping[Any, Any]]:
    """Yield those of the repositories that each feature makes."""
    for name in sorted(module.name for module in iter_modules(features.__path__)):
        module = import_module(f"{features.__name__}.{name}")
        make = getattr(module, f"make_{name}_repositories", None)
        if make is None:  # it has one repository
            (make,) = [each for at, each in vars(module).items() if at.startswith("make_")]
            yield make(InMemoryDatabase().stores).mapping
            continue
        needs_encryption = "encryption" in signature(make).parameters
        encryption = {"encryption": FakePhoneEncryption()} if needs_encryption else {}
        repositories = make(InMemoryDatabase().stores, **encryption)
        for field in fields(repositories):
            yield getattr(repositories, field.name).mapping


GOLDEN_RECORDS: Final = Path(__file__).parents[1] / "unit/golden/records_5.json"
_MAPPINGS: Final[Sequence[RecordMapping[Any, Any]]] = (
    RecordMapping(PHONE_VERIFICATIONS, PhoneVerification),
    IdentityMapping(FakePhoneEncryption()),
    RecordMapping(DELIVERY_REPORTS, DeliveryReport),
    RecordMapping(AUDIT_ENTRIES, AuditEntry),
    RecordMapping(INSTANCES, Instance),
    # The domain has no values for these.
    RecordMapping(LIMITS, LimitRecord),
    RecordMapping(LEASES, LeaseRecord),
    *find_mappings_of_features(),
)
MAPPINGS: Final[Mapping[str, RecordMapping[Any, Any]]] = {
    mapping.kind.name: mapping for mapping in _MAPPINGS
}
"""The mapping of each kind of record."""


def decode(name: str, text: str) -> Any:
    """Return the value of a record in JSON."""
    mapping = MAPPINGS[name]
    return mapping.to_value(mapping.kind.decode(text))


FULL_RECORDS: Final[dict[str, list[Any]]] = {
    name: [decode(name, json.dumps(fields)) for fields in records]
    for name, records in json.loads(GOLDEN_RECORDS.read_bytes()).items()
    if name in MAPPINGS
}
"""All of them, by the name of their table or collection."""

FULL_VERIFICATION: Final[PhoneVerification] = FULL_RECORDS["phone_verifications"][0]
