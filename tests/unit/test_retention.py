"""docs/retention.md lists each stored field, with its proof."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from pydantic import BaseModel

from adapters.mongo.documents import DOCUMENTS
from adapters.sqlite.mapping.calls import StoredCall
from adapters.sqlite.mapping.delivery_reports import StoredDeliveryReport
from adapters.sqlite.mapping.identities import StoredIdentity
from adapters.sqlite.mapping.media_items import StoredMediaItem
from adapters.sqlite.mapping.phone_verifications import StoredPhoneVerification
from adapters.sqlite.migrations import MIGRATIONS
from adapters.sqlite.record_mapping import StoredFields

PROJECT: Final = Path(__file__).parents[2]
PAGE: Final = (PROJECT / "docs/retention.md").read_text("utf-8")
STORED: Final[dict[str, type[StoredFields]]] = {
    "phone_verifications": StoredPhoneVerification,
    "identities": StoredIdentity,
    "media_items": StoredMediaItem,
    "calls": StoredCall,
    "delivery_reports": StoredDeliveryReport,
}
IDS: Final = {"_id", "phone_index", "limit_name", "name"}
NOT_LISTED: Final = {"version", "schema_version", "body", "revision_id"}
SAME_AS: Final = {
    "rate_limits.acquired_at": "rate_limits.reservations.acquired_at",
    "rate_limits.reservation_id": "rate_limits.reservations.id",
}


def classes_in(annotation: Any) -> Iterator[type]:
    """Yield the classes of an annotation like `A`, `list[A | B]` or `A | None`."""
    if isinstance(annotation, type):
        yield annotation
    for argument in get_args(annotation):
        yield from classes_in(argument)


def of_document(model: type[BaseModel], path: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        classes = [*classes_in(field.annotation)]
        if inner := [kind for kind in classes if issubclass(kind, BaseModel)]:
            for kind in inner:
                yield from of_document(kind, f"{path}.{name}")
        elif name not in NOT_LISTED:
            yield f"{path}.{name}"


def of_body(stored: type[StoredFields], path: str) -> Iterator[str]:
    for field in msgspec.structs.fields(stored):
        inner = [kind for kind in classes_in(field.type) if issubclass(kind, StoredFields)]
        for kind in inner:
            yield from of_body(kind, f"{path}.{field.encode_name}")
        if not inner:
            yield f"{path}.{field.encode_name}"


def of_tables() -> Iterator[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in MIGRATIONS:
            connection.executescript(script)
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            for column in connection.execute(f"PRAGMA table_info({table})"):
                name = "id" if column[1] in IDS else column[1]
                if name not in NOT_LISTED:
                    yield SAME_AS.get(f"{table}.{name}", f"{table}.{name}")


STORED_FIELDS: Final = {
    *(path for document in DOCUMENTS for path in of_document(document, document.Settings.name)),
    *(path for table, stored in STORED.items() for path in of_body(stored, table)),
    *of_tables(),
}
COLLECTIONS: Final = {path.partition(".")[0] for path in STORED_FIELDS}
LISTED: Final = [
    path for path in re.findall(r"`([a-z_]+(?:\.[a-z_0-9]+)+)`", PAGE) if not path.endswith(".md")
]
PROOFS: Final = re.findall(r"`(tests/[\w/.]+)::(\w+)`", PAGE)


def test_each_stored_field_is_listed_once() -> None:
    deepest = "calls.turns.instructions.prompt.voice.name"
    assert {"identities.encrypted_phone", "rate_limits.reservations.id", deepest} < STORED_FIELDS
    assert sorted(LISTED) == sorted(STORED_FIELDS)


def test_each_proof_exists() -> None:
    for file, test in set(PROOFS):
        definition = rf"^(async )?def {test}\("
        assert re.search(definition, (PROJECT / file).read_text("utf-8"), re.MULTILINE), test


def test_each_line_about_the_database_has_a_proof() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "`" in line]
    in_database = [row for row in rows if any(f"`{name}." in row for name in COLLECTIONS)]

    assert len(in_database) > 10
    assert [row for row in in_database if "::test_" not in row] == []
