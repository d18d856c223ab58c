"""What is stored is read by every later version, and keeps what a newer version stored in it.

The golden files are never written again: a stored name that changes by accident fails here.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from application.ports.errors import CorruptRecord
from application.ports.versioned import RecordVersion
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.voice.call import Turn
from domain.voice.instructions import Pause
from tests.integration.golden_records import Fields, MongoForm, SqliteForm, StoredForm
from tests.support.builders import NOW, a_call, a_session, an_id, an_identity
from tests.support.full_records import FULL_IDENTITY, FULL_RECORDS

FORMS: Final = (SqliteForm(), MongoForm())
OF_REPOSITORY: Final = {"_id", "version", "encrypted_phone", "expires_at", "client_ips_expire_at"}
"""Fields that a repository adds, and the ciphertext, which differs each time."""
WRONG: Final = [["a secret"]]

ALL_FORMS = pytest.mark.parametrize("form", FORMS, ids=str)
ALL_TABLES = pytest.mark.parametrize("table", FULL_RECORDS)
ALL_GENERATIONS = pytest.mark.parametrize(
    ("form", "generation"),
    [(form, generation) for form in FORMS for generation in form.generations],
    ids=str,
)


def without_fields_of_repository(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name not in OF_REPOSITORY}


def encode(form: StoredForm, table: str, value: Any, version: int = 0) -> Fields:
    return without_fields_of_repository(form.encode(table, value, version))


@ALL_FORMS
@ALL_TABLES
def test_all_fields_are_stored_under_their_golden_names(form: StoredForm, table: str) -> None:
    golden = form.read_full()[table]

    assert [form.decode(table, fields).value for fields in golden] == FULL_RECORDS[table]
    assert [encode(form, table, value) for value in FULL_RECORDS[table]] == [
        without_fields_of_repository(fields) for fields in golden
    ]


@ALL_FORMS
def test_each_kind_of_record_has_its_schema_version(form: StoredForm) -> None:
    assert form.schema_versions == {**dict.fromkeys(FULL_RECORDS, 1), "phone_verifications": 3}


def contains(fields: Any, earlier: Any) -> bool:
    """Return whether no earlier field is missing, at any depth."""
    if isinstance(earlier, dict):
        return all(name in fields and contains(fields[name], earlier[name]) for name in earlier)
    if isinstance(earlier, list):
        return len(fields) == len(earlier) and all(map(contains, fields, earlier))
    return bool(fields == earlier)


@ALL_GENERATIONS
def test_golden_records_are_read_and_stored_again_without_a_loss(
    form: StoredForm, generation: str
) -> None:
    golden = form.read(generation)
    for (table, key), (schema_version, fields) in golden.items():
        value = form.decode(table, fields, schema_version).value
        if schema_version == form.schema_versions[table]:
            assert contains(encode(form, table, value), without_fields_of_repository(fields)), key
    assert golden


@ALL_GENERATIONS
def test_records_of_an_earlier_schema_version_are_upgraded_to_those_of_the_latest(
    form: StoredForm, generation: str
) -> None:
    latest = {
        key: record
        for name in form.generations
        for key, record in form.read(name).items()
        if record[0] == form.schema_versions[key[0]]
    }
    for (table, key), (schema_version, fields) in form.read(generation).items():
        upgraded = form.decode(table, fields, schema_version)
        assert upgraded.value == form.decode(table, latest[table, key][1]).value
        assert isinstance(upgraded.version, RecordVersion)


# Fields of a newer version.


def with_unknown_fields(stored: Any, path: str = "") -> Any:
    """Add an unknown field to a record and to every object inside it."""
    if isinstance(stored, list):
        return [with_unknown_fields(item, f"{path}[{n}]") for n, item in enumerate(stored)]
    if isinstance(stored, dict):
        known = {name: with_unknown_fields(stored[name], f"{path}.{name}") for name in stored}
        return {**known, "unknown": path}
    return stored


def load_newer(form: StoredForm, table: str, value: Any) -> int:
    """Return the version of a record that a newer version of this program stored."""
    return form.decode(table, with_unknown_fields(form.encode(table, value))).version


@ALL_FORMS
@ALL_TABLES
def test_unknown_fields_of_all_objects_survive_a_replacement(form: StoredForm, table: str) -> None:
    for value in FULL_RECORDS[table]:
        newer = with_unknown_fields(form.encode(table, value))

        loaded = form.decode(table, newer)

        assert loaded.value == value
        stored = encode(form, table, value, loaded.version)
        assert stored == without_fields_of_repository(newer)


@ALL_FORMS
@ALL_TABLES
def test_a_record_without_unknown_fields_has_a_version_without_them(
    form: StoredForm, table: str
) -> None:
    for value in FULL_RECORDS[table]:
        version = form.decode(table, form.encode(table, value)).version

        assert isinstance(version, RecordVersion)
        assert version.unknown_fields == {}


@ALL_FORMS
def test_unknown_fields_of_list_items_follow_the_id_of_the_item(form: StoredForm) -> None:
    first, second = FULL_IDENTITY.sessions
    version = load_newer(form, "identities", FULL_IDENTITY)
    changed = replace(FULL_IDENTITY, sessions=(a_session(id=an_id(3)), second, first))

    sessions = form.encode("identities", changed, version)["sessions"]

    paths = [session.get("unknown") for session in sessions]
    assert paths == [None, ".sessions[1]", ".sessions[0]"]
    assert sessions[2]["refresh_tokens"]["unknown"] == ".sessions[0].refresh_tokens"


@ALL_FORMS
def test_unknown_fields_of_items_without_an_id_follow_equal_items(form: StoredForm) -> None:
    first, second = TrustedIp("1", NOW), TrustedIp("2", NOW)
    verification = PhoneVerification(trusted_ips=(first, first, second))
    version = load_newer(form, "phone_verifications", verification)
    changed = PhoneVerification(trusted_ips=(second, TrustedIp("3", NOW), first, first))

    stored = form.encode("phone_verifications", changed, version)["trusted_ips"]

    assert [ip.get("unknown", "")[-3:] for ip in stored] == ["[2]", "", "[0]", "[1]"]


@ALL_FORMS
def test_unknown_fields_of_equal_instructions_follow_their_order(form: StoredForm) -> None:
    turn = Turn(None, (Pause(), Pause(2), Pause()))
    version = load_newer(form, "calls", a_call(turns=(turn,)))

    first, second = form.encode("calls", a_call(turns=(turn, Turn(None, ()))), version)["turns"]

    paths = [instruction["unknown"] for instruction in first["instructions"]]
    assert paths == [f".turns[0].instructions[{number}]" for number in range(3)]
    assert "unknown" not in second


@ALL_FORMS
def test_what_was_removed_does_not_come_back(form: StoredForm) -> None:
    blocked = an_identity(phone=None, user=FULL_IDENTITY.user, sessions=(a_session(),)).block(NOW)
    version = load_newer(form, "identities", blocked)

    stored = form.encode("identities", an_identity(phone=None), version)

    assert (stored.get("blocked_at"), stored.get("user")) == (None, None)
    assert (stored["sessions"], stored["unknown"]) == ([], "")


# Damage.


def damaged(stored: Any) -> Iterator[tuple[bool, Any]]:
    """Yield copies, each without one of its values at any depth, or with a wrong one.

    A copy with a wrong value comes with True: it is certainly damaged.
    """
    items = list(stored.items() if isinstance(stored, dict) else enumerate(stored))
    for name, value in items:
        rest = {key: other for key, other in items if key != name}
        changes = [(True, WRONG)]
        if isinstance(value, dict | list):
            changes += damaged(value)
        for is_wrong, changed in changes:
            copy = {**dict(items), name: changed}
            yield is_wrong, copy if isinstance(stored, dict) else list(copy.values())
        if isinstance(stored, dict):
            yield False, rest


@ALL_FORMS
@ALL_TABLES
@pytest.mark.parametrize("unknown", [{}, {"unknown": 1}], ids=["known", "unknown"])
def test_a_damaged_record_is_an_error_that_quotes_nothing(
    form: StoredForm, table: str, unknown: Fields
) -> None:
    golden = without_fields_of_repository(form.read_full()[table][0])
    earlier = [
        (schema_version, False, damaged_fields)
        for (name, _), (schema_version, fields) in form.read(form.generations[0]).items()
        if name == table
        for _, damaged_fields in damaged(fields)
    ]
    current = [(form.schema_versions[table], *damage) for damage in damaged(golden)]
    for schema_version, is_wrong, fields in [*earlier, *current]:
        try:
            form.decode(table, {**fields, **unknown}, schema_version)
        except CorruptRecord as error:
            assert "secret" not in str(error)  # noqa: PT017
            assert error.__cause__ is None  # noqa: PT017
        else:
            assert not is_wrong, fields
