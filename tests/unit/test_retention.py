"""Each stored field is declared, docs/retention.md has what is, and tests prove what deletes it."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from msgspec import inspect

from adapters.databases.mongo.documents import METADATA_COLLECTION
from adapters.databases.sql.schema import schema
from adapters.databases.sqlite.dialect import SQLITE
from entrypoints.composition.features import KINDS
from entrypoints.composition.retention import declared_rows, render_page
from tests.support.full_records import MAPPINGS
from tests.support.markdown import PROJECT, page

STORED: Final = {name: mapping.kind.record_type for name, mapping in MAPPINGS.items()}
NOT_LISTED: Final = {"version", "schema_version", "body"}
OF_METADATA: Final = (
    "id",
    "key_fingerprint",
    "copy_mark",
    "health_checked_at",
)
"""The fields of the only document that is no record."""


Parts = inspect.StructType | inspect.DataclassType


def parts_in(kind: inspect.Type) -> Iterator[Parts]:
    """Yield the Structs and dataclasses of a type like `A`, `tuple[A | B, ...]` or `A | None`."""
    match kind:
        case inspect.StructType() | inspect.DataclassType():
            yield kind
        case inspect.UnionType(types=types):
            for part in types:
                yield from parts_in(part)
        case inspect.VarTupleType(item_type=item_type):
            yield from parts_in(item_type)
        case inspect.DictType(value_type=value_type):
            yield from parts_in(value_type)


def of_record(record: Parts, path: str) -> Iterator[str]:
    for field in record.fields:
        inner = [*parts_in(field.type)]
        for part in inner:
            yield from of_record(part, f"{path}.{field.encode_name}")
        if not inner and field.encode_name not in NOT_LISTED:
            yield f"{path}.{field.encode_name}"


def of_tables() -> Iterator[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(";".join(schema(SQLITE).values()))
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            for _, column, *_ in connection.execute(f"PRAGMA table_info({table})"):
                if column not in NOT_LISTED:
                    yield f"{table}.{column}"


STORED_FIELDS: Final = {
    *(
        path
        for name, record_type in STORED.items()
        for part in parts_in(inspect.type_info(record_type))
        for path in of_record(part, name)
    ),
    *(f"{METADATA_COLLECTION}.{field}" for field in OF_METADATA),
    *of_tables(),
}
ROWS: Final = {f"{name}.{next(row.paths)}": row for name, row in declared_rows()}
"""What is declared, by the first field."""
EXPIRING: Final = {kind.name for kind in KINDS if kind.expires} - {
    # Their parts end at other times.
    "identities",
    "phone_verifications",
}
"""Kinds of which `test_a_record_is_deleted_when_it_expires_and_not_before` proves it."""
APPLICATION: Final = "tests/unit/application"
DOMAIN: Final = "tests/unit/domain"
PROOFS: Final = {
    f"{APPLICATION}/operations/test_cleanup.py": {
        "test_the_phone_of_a_deleted_identity_is_detached_and_forgotten_a_day_later": (
            "identities.encrypted_phone phone_verifications.id"
        ),
        "test_a_username_is_released_thirty_days_after_the_deletion": (
            "identities.user.username.text"
        ),
    },
    "tests/contract/test_deleted_identities.py": {
        "test_identities_are_listed_until_they_are_purged_and_their_name_is_free": "identities.id",
    },
    f"{DOMAIN}/identities/test_identity.py": {
        "test_nothing_but_what_is_kept_remains_of_a_deleted_identity": (
            "identities.staff.role identities.sessions.id identities.devices.id"
            " identities.staff.invitation.secret_hash"
            " identities.consent.wording identities.external_id identities.token_repeats.session_id"
        ),
        "test_a_challenge_that_opened_a_session_is_kept_until_it_expires": (
            "identities.used_challenges.id"
        ),
    },
    f"{DOMAIN}/identities/test_user_events.py": {
        "test_an_event_is_dropped_when_all_destinations_have_it": "identities.events.unsent.number",
    },
    f"{APPLICATION}/features/phone_change/test_interrupted_changes.py": {
        "test_a_change_interrupted_at_any_call_is_completed": (
            "identities.phone_change.encrypted_new_phone"
        ),
    },
    f"{APPLICATION}/features/passkeys/test_passkeys.py": {
        "test_what_ends_passkeys": "identities.passkeys.credential_id",
    },
    "tests/contract/test_phone_verifications.py": {
        "test_the_phone_of_a_verification_is_stored_while_it_is_blocked": (
            "phone_verifications.encrypted_phone"
        ),
        "test_expired_client_ips_are_removed_from_a_verification_that_is_kept": (
            "phone_verifications.challenges.all.counters.kind"
            " phone_verifications.trusted_ips.client_ip_hash"
        ),
    },
    f"{DOMAIN}/otp/test_expiry.py": {
        "test_everything_is_pruned_at_the_moment_when_it_expires": (
            "phone_verifications.challenges.all.id phone_verifications.failures.in_a_row"
            " phone_verifications.deliveries.all.request_id phone_verifications.call_locale.tag"
            " phone_verifications.limit_resets phone_verifications.rejections.at"
        ),
    },
    "tests/contract/test_limit_store.py": {
        "test_only_records_whose_permits_expired_are_deleted": "limits.id",
    },
    f"{APPLICATION}/features/app_data/test_act_for_app.py": {
        "test_data_and_claims_are_deleted_with_the_account": "app_data.id",
    },
    f"{APPLICATION}/features/blocks/test_blocks.py": {
        "test_the_cleanup_deletes_blocks_that_have_ended": "blocks.id",
    },
    f"{APPLICATION}/features/media/test_cleanup.py": {
        "test_the_file_of_a_deleted_item_is_deleted_again_before_its_record": "media_items.id",
    },
    f"{APPLICATION}/features/media/test_quota.py": {
        "test_the_usage_of_a_deleted_identity_is_deleted": "media_usages.id",
    },
    f"{APPLICATION}/features/voice/test_call_log.py": {
        "test_recordings_are_deleted_after_thirty_days_and_calls_after_ninety": (
            "calls.id calls.recordings.id"
        ),
    },
}
"""The tests that prove what deletes the others: of each file and test the rows."""


def test_each_stored_field_is_declared_once() -> None:
    declared = [f"{name}.{path}" for name, row in declared_rows() for path in row.paths]

    assert sorted(declared) == sorted(STORED_FIELDS), "A `Retention` beside its record has a field."


def test_the_page_has_what_is_declared() -> None:
    text = page("docs/retention.md")
    assert render_page(text) == text, (
        "Run `make retention`, and commit docs/retention.md. Is what it says still true?"
    )
    assert all(row.data in text for row in ROWS.values())


def test_each_row_about_people_has_a_proof_that_exists() -> None:
    proved = set[str]()
    for file, tests in PROOFS.items():
        code = (PROJECT / file).read_text("utf-8")
        # A suite that adapters of others can use too is imported.
        for module in re.findall(r"^from (\S+) import \*", code, re.MULTILINE):
            code += (PROJECT / f"{module.replace('.', '/')}.py").read_text("utf-8")
        for test, rows in tests.items():
            assert re.search(rf"^(async )?def {test}\(", code, re.MULTILINE), test
            proved |= {*rows.split()}
    about_people = {path for path, row in ROWS.items() if row.purpose}
    assert {path for path in about_people if path.partition(".")[0] not in EXPIRING} == proved
