"""docs/retention.md lists each stored field, with its proof."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final, get_args

import msgspec

import entrypoints.composition.features  # noqa: F401 -- it declares the kinds of records
from adapters.databases.mongo.documents import METADATA_COLLECTION
from adapters.databases.sql.schema import schema
from adapters.databases.sqlite.dialect import SQLITE
from tests.support.full_records import MAPPINGS
from tests.support.markdown import PROJECT, codes, page, tables

STORED: Final[dict[str, type[msgspec.Struct]]] = {
    name: mapping.kind.record_type for name, mapping in MAPPINGS.items()
}
NOT_LISTED: Final = {"version", "schema_version", "body"}
OF_METADATA: Final = (
    "id",
    "key_fingerprint",
    "copy_mark",
    "health_checked_at",
)
"""The fields of the only document that is no record."""


def structs_in(annotation: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield the Structs of an annotation like `A`, `tuple[A | B, ...]` or `A | None`."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for argument in get_args(annotation):
        yield from structs_in(argument)


def of_record(record_type: type[msgspec.Struct], path: str) -> Iterator[str]:
    for field in msgspec.structs.fields(record_type):
        inner = [*structs_in(field.type)]
        for kind in inner:
            yield from of_record(kind, f"{path}.{field.encode_name}")
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
    *(path for name, record_type in STORED.items() for path in of_record(record_type, name)),
    *(f"{METADATA_COLLECTION}.{field}" for field in OF_METADATA),
    *of_tables(),
}
PAGE: Final = page("docs/retention.md")
ROWS: Final = tables(PAGE)[0]
"""The lines about the database."""


def test_each_stored_field_is_listed_once() -> None:
    # Below the table are those without personal data.
    listed = re.findall(r"`([a-z_]+(?:\.[a-z_0-9]+)+)`", PAGE)
    listed = [path for path in listed if not path.endswith((".json", ".md"))]

    assert sorted(listed) == sorted(STORED_FIELDS)


def test_each_line_about_the_database_has_a_proof_that_exists() -> None:
    for *_, cell in ROWS:
        proofs = [proof.split("::") for proof in codes(cell) if "::" in proof]
        assert proofs, cell
        for file, test in proofs:
            code = (PROJECT / file).read_text("utf-8")
            # A suite that adapters of others can use too is imported.
            for module in re.findall(r"^from (\S+) import \*", code, re.MULTILINE):
                code += (PROJECT / f"{module.replace('.', '/')}.py").read_text("utf-8")
            assert re.search(rf"^(async )?def {test}\(", code, re.MULTILINE), test
