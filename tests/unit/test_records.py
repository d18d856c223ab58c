"""What is stored is read by every later version.

The golden files are never written again: a stored name or a default that changes by accident fails
here, also one of a value of the domain that is stored as it is.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from adapters.databases.records.record_kind import Fields, Record, RecordKind, Upgrade
from application.ports.errors import CorruptRecord
from tests.support.full_records import FULL_RECORDS, GOLDEN_RECORDS, MAPPINGS, decode

GOLDEN: Final[dict[str, list[Fields]]] = json.loads(GOLDEN_RECORDS.read_bytes())
REQUIRED_FIELDS: Final[dict[str, dict[str, Fields]]] = json.loads(
    GOLDEN_RECORDS.with_name("required_fields_5.json").read_bytes()
)
"""By the kind: a record with its required fields only, and what is stored of it after a change."""
WRONG: Final = [["a secret"]]
ALL_KINDS = pytest.mark.parametrize("name", FULL_RECORDS)


def without_ciphertext(fields: Fields) -> Fields:
    """Return the fields without the one that differs each time."""
    return {name: value for name, value in fields.items() if name != "encrypted_phone"}


def without_ciphertexts(stored: Any) -> Any:
    """Return a value without the fields that differ each time, at any depth."""
    if isinstance(stored, list):
        return [*map(without_ciphertexts, stored)]
    if not isinstance(stored, dict):
        return stored
    return {
        name: without_ciphertexts(value)
        for name, value in stored.items()
        if not name.startswith("encrypted_")
    }


@ALL_KINDS
def test_all_fields_are_stored_under_their_golden_names(name: str) -> None:
    mapping = MAPPINGS[name]
    fields = [mapping.kind.to_fields(mapping.to_record(value)) for value in FULL_RECORDS[name]]
    stored = msgspec.json.decode(msgspec.json.encode(fields))

    assert without_ciphertexts(stored) == without_ciphertexts(GOLDEN[name])


@ALL_KINDS
def test_each_field_of_a_golden_record_differs_from_its_default(name: str) -> None:
    fields = msgspec.structs.fields(MAPPINGS[name].kind.record_type)
    names = {field.encode_name for field in fields} - {"schema_version"}
    stored = {key for record in GOLDEN[name] for key in record}

    # The phone of a verification is in its record only while it is blocked.
    assert names - stored <= {"encrypted_phone", "expires_at"}


@ALL_KINDS
def test_fields_that_a_record_lacks_have_their_golden_defaults(name: str) -> None:
    mapping, golden = MAPPINGS[name], REQUIRED_FIELDS[name]

    record = mapping.to_record(decode(name, json.dumps(golden["required"])))

    stored = msgspec.json.decode(msgspec.json.encode(mapping.kind.to_fields(record)))
    assert without_ciphertexts(stored) == without_ciphertexts(golden["stored"])


class SongRecord(Record, kw_only=True):
    title: str
    seconds: int = 0


def rename(fields: Fields) -> Fields:
    fields["title"] = fields.pop("name")
    return fields


def count_seconds(fields: Fields) -> Fields:
    fields["seconds"] = fields.pop("minutes") * 60
    return fields


def songs(*upgrades: Upgrade) -> RecordKind[SongRecord]:
    return RecordKind("songs", SongRecord, upgrades=upgrades)


@pytest.mark.parametrize(
    "stored",
    [
        {"schema_version": 1, "name": "Halo", "minutes": 4},
        {"schema_version": 2, "title": "Halo", "minutes": 4},
        {"schema_version": 3, "title": "Halo", "seconds": 240},
    ],
    ids=lambda stored: f"version {stored['schema_version']}",
)
def test_a_record_of_an_earlier_schema_version_is_upgraded(stored: Fields) -> None:
    kind = songs(rename, count_seconds)

    for song in (kind.decode(json.dumps(stored)), kind.convert(stored)):
        assert song == SongRecord(schema_version=3, title="Halo", seconds=240)
    assert kind.to_fields(song) == {
        "schema_version": 3,
        "title": "Halo",
        "seconds": 240,
    }


def damaged(stored: Any) -> Iterator[tuple[bool, Any]]:
    """Yield copies, each without one of its values at any depth, or with a wrong one.

    A copy with a wrong value comes with True: it is certainly damaged.
    """
    items = list(stored.items() if isinstance(stored, dict) else enumerate(stored))
    for name, value in items:
        changes = [(True, WRONG)]
        if isinstance(value, dict | list):
            changes += damaged(value)
        for is_wrong, changed in changes:
            copy = {**dict(items), name: changed}
            yield is_wrong, copy if isinstance(stored, dict) else list(copy.values())
        if isinstance(stored, dict):
            yield False, {key: other for key, other in items if key != name}


@ALL_KINDS
def test_a_damaged_record_is_an_error_that_quotes_nothing(name: str) -> None:
    for is_wrong, fields in damaged(without_ciphertext(GOLDEN[name][0])):
        try:
            decode(name, json.dumps(fields))
        except CorruptRecord as error:
            assert "secret" not in str(error).replace("secret_hash", "")  # noqa: PT017
            assert error.__cause__ is None  # noqa: PT017
        else:
            assert not is_wrong, fields


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ids
        for ids in [
            ("identities", "id"),
            ("media_items", "owner_id"),
            ("calls", "id"),
            ("calls", "identity_id"),
        ]
        if ids[0] in MAPPINGS
    ],
)
def test_a_record_with_an_id_from_elsewhere_is_damaged(name: str, field: str) -> None:
    fields = {**without_ciphertext(GOLDEN[name][0]), field: "user-1"}
    with pytest.raises(CorruptRecord, match=f"a record of {name} cannot be read"):
        decode(name, json.dumps(fields))


def test_a_part_that_the_domain_rejects_is_damaged_when_it_is_read() -> None:
    (fields,) = GOLDEN["blocks"]
    blocks = [{**block, "id": "block-1"} for block in fields["blocks"]]
    with pytest.raises(CorruptRecord, match="a record of blocks cannot be read"):
        MAPPINGS["blocks"].kind.decode(json.dumps({**fields, "blocks": blocks}))


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"schema_version": "1"}', "{}", '"\ud800"'])
def test_a_text_that_is_no_record_is_damaged(text: str) -> None:
    with pytest.raises(CorruptRecord, match="a record of songs cannot be read"):
        songs(rename).decode(text)
