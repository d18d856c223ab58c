"""The tables of all kinds. Indexed fields are columns, and the whole record is JSON in `body`.

- Texts are in the order of their code points (`COLLATE "C"`), whatever language the database has.
- A new table, index or column raises no version: it is created when the database is opened. A
  column is new with its field, so no row has a value for it. An index of fields from before reads
  them from `body`. A change that older programs cannot read raises the version, and they do not
  start.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, get_args

import msgspec

from adapters.records.all_kinds import stored_kinds
from adapters.records.limits import LIMITS
from adapters.records.record_kind import Index, RecordKind
from adapters.records.schema_plan import SchemaObject

METADATA_TABLE: Final = "database_metadata"
"""The single row in it says which service and which keys a database belongs to."""

_TEXT: Final = 'text COLLATE "C"'
_CREATE_METADATA: Final = f"""
CREATE TABLE {METADATA_TABLE} (
    id {_TEXT} PRIMARY KEY,
    schema_version integer NOT NULL,
    key_fingerprint text NOT NULL,
    unfinished_index_key text,
    health_checked_at timestamptz,
    copy_mark text
)
"""


def value_of(index: Index, field: str) -> str:
    """Return the column of a field, or the expression that reads it from the body.

    A time in the body is a text in UTC. Without its Z, an earlier one comes first.
    """
    if field not in index.body_fields:
        return field
    read = f"(body ->> '{field}')"
    return f"(rtrim({read}, 'Z') COLLATE \"C\")" if field == index.order else read


def conditions_of(index: Index) -> list[str]:
    """Return what is true of all rows of an index.

    The last condition names the index, and is true of all rows: no stored id has this form. A query
    that states it can use no other index, because PostgreSQL cannot prove the condition of that.
    PostgreSQL has no hints, and would choose an index of another order where it expects to find
    enough rows soon; it reads the whole table if there are none.
    """
    return [
        *(f"{value_of(index, field)} IS NOT NULL" for field in index.present),
        *(f"{value_of(index, field)} IS NULL" for field in index.absent),
        *(f"{value_of(index, field)} = '{value}'" for field, value in index.only),
        f"id <> E'\\x01{index.name}'",
    ]


def order_of(index: Index) -> list[str]:
    """Return the columns by which the rows of an index with equal values are in order.

    Rows of one time are in the order of their ids, also where no page needs it: PostgreSQL chooses
    a plan for each limit, and each plan would have another order.
    """
    return [value_of(index, index.order), "id"] if index.order else []


def columns_of(index: Index) -> list[str]:
    """Return the columns of an index."""
    return [*(value_of(index, field) for field in index.equal), *order_of(index)]


def _fields_of(index: Index) -> list[str]:
    return [*index.equal, *([index.order, "id"] if index.order else [])]


def column_types(kind: RecordKind[Any]) -> dict[str, str]:
    """Return the type of each column of an indexed field."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind.record_type)}
    return {name: _column_type(fields[name].type) for name in kind.indexed_fields}


def _create_table(kind: RecordKind[Any]) -> str:
    # Only batches change limits, and they lock them.
    version = [] if kind is LIMITS else ["version bigint NOT NULL"]
    columns = [f"{name} {column_type}" for name, column_type in column_types(kind).items()]
    all_columns = [f"id {_TEXT} PRIMARY KEY", *version, *columns, "body jsonb NOT NULL"]
    return f"CREATE TABLE {kind.name} ({', '.join(all_columns)})"


def _column_type(field_type: Any) -> str:
    types = get_args(field_type) or (field_type,)
    name = "timestamptz" if datetime in types else _TEXT
    return name if type(None) in types else f"{name} NOT NULL"


def _create_index(kind: RecordKind[Any], index: Index) -> str:
    unique = "UNIQUE " if index.is_unique else ""
    columns = ", ".join(columns_of(index))
    where = " AND ".join(conditions_of(index))
    return f"CREATE {unique}INDEX {index.name} ON {kind.name} ({columns}) WHERE {where}"


def _creation_statements() -> Iterator[tuple[SchemaObject, str]]:
    """Yield each table and index of the schema, and the statement that creates it."""
    yield SchemaObject("table", METADATA_TABLE), _CREATE_METADATA
    for kind in stored_kinds():
        yield SchemaObject("table", kind.name), _create_table(kind)
        for index in kind.indexes:
            yield SchemaObject.of_index(kind, index, _fields_of(index)), _create_index(kind, index)


def tables() -> tuple[str, ...]:
    """Return the names of all tables."""
    return (METADATA_TABLE, *(kind.name for kind in stored_kinds()))


@cache
def schema() -> Mapping[SchemaObject, str]:
    """Return all tables and indexes, with the statements that create them."""
    return dict(_creation_statements())


@cache
def column_statements() -> Mapping[SchemaObject, str]:
    """Return the columns of indexed fields, and what adds them to an existing table."""
    return {
        SchemaObject("column", name, kind.name): (
            f"ALTER TABLE {kind.name} ADD COLUMN {name} {column_type}"
        )
        for kind in stored_kinds()
        for name, column_type in column_types(kind).items()
    }
