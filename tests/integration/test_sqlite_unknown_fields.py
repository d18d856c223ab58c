"""Fields of a newer version survive in every object of a record, and damage is reported."""

import json
from dataclasses import replace
from typing import Any

import pytest

from adapters.sqlite.mapping import (
    CallMapping,
    DeliveryReportMapping,
    IdentityMapping,
    PhoneVerificationMapping,
)
from adapters.sqlite.record_mapping import RecordMapping
from application.ports.errors import CorruptRecord
from application.ports.versioned import RecordVersion, Versioned
from domain.identities.identity import Consent
from domain.voice.call import Turn
from domain.voice.instructions import Pause
from tests.support.builders import (
    NOW,
    a_call,
    a_callback,
    a_delivery_report,
    a_phone_verification,
    an_identity,
)
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.full_call import FULL_CALL

ENCRYPTION = FakePhoneEncryption()
CALLS = CallMapping()
JOINED = an_identity(phone=None, is_verified=False, consent=Consent("You agree.", "en", NOW))
AGGREGATES: dict[str, tuple[RecordMapping[Any, Any], Any]] = {
    "call": (CALLS, FULL_CALL),
    "report": (DeliveryReportMapping(), a_delivery_report(visible_at=NOW)),
    "phone verification": (
        PhoneVerificationMapping(ENCRYPTION),
        a_phone_verification(callbacks=(a_callback(), a_callback(call_id="another"))),
    ),
    "identity": (IdentityMapping(ENCRYPTION), JOINED),
}


def with_unknown_fields(stored: Any, path: str = "") -> Any:
    """Add an unknown field to a record and to every object inside it."""
    if isinstance(stored, list):
        return [with_unknown_fields(item, f"{path}[{n}]") for n, item in enumerate(stored)]
    if isinstance(stored, dict):
        known = {name: with_unknown_fields(stored[name], f"{path}.{name}") for name in stored}
        return {**known, "unknown": {"path": path}}
    return stored


def encode(mapping: RecordMapping[Any, Any], value: Any, version: int = 0) -> Any:
    return json.loads(mapping.encode(mapping.to_stored(value), version))


@pytest.mark.parametrize(("mapping", "value"), AGGREGATES.values(), ids=AGGREGATES.keys())
def test_unknown_fields_of_all_objects_survive_a_replacement(
    mapping: RecordMapping[Any, Any], value: Any
) -> None:
    newer = with_unknown_fields(encode(mapping, value))

    loaded = mapping.decode(1, mapping.schema_version, json.dumps(newer))

    assert loaded == Versioned(value, 1)
    assert encode(mapping, loaded.value, loaded.version) == newer


@pytest.mark.parametrize(("mapping", "value"), AGGREGATES.values(), ids=AGGREGATES.keys())
def test_a_record_without_unknown_fields_has_a_version_without_them(
    mapping: RecordMapping[Any, Any], value: Any
) -> None:
    body = json.dumps({**encode(mapping, value), "unknown": 1})
    loaded = mapping.decode(1, mapping.schema_version, body)

    assert isinstance(loaded.version, RecordVersion)
    assert loaded.version.unknown_fields == {"unknown": 1}


def test_unknown_fields_of_equal_instructions_follow_their_order() -> None:
    call = a_call(turns=(Turn(None, (Pause(), Pause(2), Pause())),))
    newer = with_unknown_fields(encode(CALLS, call))
    loaded = CALLS.decode(1, 1, json.dumps(newer)).version

    shortened = a_call(turns=(Turn(None, (Pause(), Pause(2), Pause())), Turn(None, ())))

    first, second = encode(CALLS, shortened, loaded)["turns"]
    assert [said["unknown"]["path"] for said in first["instructions"]] == [
        f".turns[0].instructions[{number}]" for number in range(3)
    ]
    assert "unknown" not in second


DAMAGED: dict[str, dict[str, Any]] = {
    "an unknown kind": {"kind": "sing", "text": "a secret"},
    "no kind": {"seconds": 1},
    "a missing field": {"kind": "pause"},
    "a wrong type": {"kind": "pause", "seconds": "a secret"},
    "the kind of an effect": {"kind": "leave"},
}


@pytest.mark.parametrize("instruction", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("unknown", [{}, {"unknown": 1}], ids=["known", "unknown"])
def test_a_damaged_instruction_is_an_error_that_quotes_nothing(
    instruction: dict[str, Any], unknown: dict[str, Any]
) -> None:
    stored = encode(CALLS, replace(FULL_CALL, turns=()))
    turn = {"position": None, "instructions": [instruction]}

    with pytest.raises(CorruptRecord, match="a record is not a StoredCall") as raised:
        CALLS.decode(1, 1, json.dumps({**stored, "turns": [turn], **unknown}))

    assert raised.value.__cause__ is None
