"""What is stored is read by every later version.

The golden file is never written again: a stored name that changes by accident fails here.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import msgspec
import pytest

from adapters.records.record_kind import Fields, Record, RecordKind, Upgrade
from application.ports.errors import CorruptRecord
from domain.administration.audit import AuditAction
from domain.administration.scope import Scope
from domain.identities.role import Role
from domain.identities.user_events import UserEvents
from domain.otp.challenge import Purpose
from domain.otp.delivery import Channel
from tests.support.full_records import (
    FIRST_GOLDEN_RECORDS,
    FULL_RECORDS,
    GOLDEN_RECORDS,
    MAPPINGS,
    decode,
)

GOLDEN: Final[dict[str, list[Fields]]] = json.loads(GOLDEN_RECORDS.read_bytes())
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

    # The phone of a verification is in its record only while it is blocked or held.
    assert names - stored <= {"encrypted_phone", "expires_at"}


FIRST_GOLDEN: Final[dict[str, list[Fields]]] = json.loads(FIRST_GOLDEN_RECORDS.read_bytes())


@pytest.mark.parametrize("name", sorted(FIRST_GOLDEN.keys() & MAPPINGS.keys()))
def test_records_of_0_1_0_are_read_without_later_fields(name: str) -> None:
    stored = [decode(name, json.dumps(fields)) for fields in FIRST_GOLDEN[name]]
    expected = FULL_RECORDS[name]
    if name == "phone_verifications":
        expected = [
            replace(
                value,
                challenges=tuple(
                    each.forget_claims() for each in value.challenges_for(Purpose.SIGN_IN)
                ),
                imported_id=None,
                previous_identity_id=None,
                undo_until=None,
                unknown_deliveries=(),
                operator_codes=(),
                rejections=(),
                deliveries=tuple(
                    replace(each, channel=Channel.SMS) if each.channel is Channel.WHATSAPP else each
                    for each in value.deliveries
                ),
            )
            for value in expected
        ]
    if name == "identities":
        expected = [
            replace(
                value,
                console_devices=(),
                role=Role(fields["role"]),
                role_given_after=None,
                external_id=None,
                claims="",
                imported_at=None,
                was_blocked_by_import=False,
                phone_change=None,
                undo_deadlines=(),
                phone_change_allowed_at=None,
                events=UserEvents(),
                session_version=0,
                passkeys=(),
                token_repeats=(),
                sessions=tuple(
                    replace(
                        session,
                        claims="",
                        token_family=session.token_family
                        and replace(session.token_family, network=None),
                    )
                    for session in value.sessions
                ),
            )
            for value, fields in zip(expected, FIRST_GOLDEN[name], strict=True)
        ]
    if name == "audit_entries":
        expected = [
            replace(
                value, item_id=None, count=None, role=None, actor=replace(value.actor, role=None)
            )
            for value in expected
        ]
    if name == "service_tokens":
        known = tuple(each for each in expected[0].scopes if each is not Scope.CHANGE_ROLES)
        expected = [replace(value, scopes=known, roles=()) for value in expected]
    assert stored == expected


def test_a_token_stays_readable_that_has_a_scope_which_is_no_more() -> None:
    stored = deepcopy(GOLDEN["service_tokens"][0])
    known = decode("service_tokens", json.dumps(stored))
    for name in ("scopes", "more_scopes"):
        changed = {**stored, name: [*stored.get(name, ()), "rules:write"]}
        assert decode("service_tokens", json.dumps(changed)) == known


@pytest.mark.parametrize(
    "action", [AuditAction.ADD_RULE, AuditAction.END_RULE, AuditAction.SEND_SNAPSHOT]
)
def test_an_audit_entry_stays_readable_whose_action_is_no_more(action: AuditAction) -> None:
    stored = {**GOLDEN["audit_entries"][0], "action": action.value}
    assert decode("audit_entries", json.dumps(stored)).action is action


def test_a_role_ends_with_the_sessions_that_a_program_without_roles_ends() -> None:
    stored = deepcopy(without_ciphertext(GOLDEN["identities"][1]))
    assert stored["role"] == "member"  # for such a program
    assert decode("identities", json.dumps(stored)).role is Role.SUPPORT

    promoted = decode("identities", json.dumps({**stored, "role": "administrator"}))
    assert promoted.role is Role.ADMINISTRATOR
    for change in ({"session_version": 1}, {"detached_at": "2026-05-01T09:34:00Z"}):
        assert decode("identities", json.dumps({**stored, **change})).role is Role.MEMBER


def test_after_version_0_1_exchanged_a_token_its_network_is_not_known() -> None:
    stored = deepcopy(without_ciphertext(GOLDEN["identities"][0]))
    session = decode("identities", json.dumps(stored)).sessions[0]
    assert session.token_family.network is not None

    stored["sessions"][0]["refresh_tokens"]["generation"] += 1
    session = decode("identities", json.dumps(stored)).sessions[0]
    assert session.token_family.network is None


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


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"schema_version": "1"}', "{}", '"\ud800"'])
def test_a_text_that_is_no_record_is_damaged(text: str) -> None:
    with pytest.raises(CorruptRecord, match="a record of songs cannot be read"):
        songs(rename).decode(text)
