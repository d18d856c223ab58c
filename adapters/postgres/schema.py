"""The tables of all kinds. Indexed fields are columns, and the whole record is JSON in `body`.

- Texts are in the order of their code points (`COLLATE "C"`), whatever language the database has.
- A new table or index raises no version: it is created when the database is opened. A change that
  older programs cannot read raises it, and they do not start.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, get_args

import msgspec

from adapters.records.kinds import KINDS
from adapters.records.limits import LIMITS
from adapters.records.record_kind import Index, RecordKind

METADATA_TABLE: Final = "database_metadata"
"""The single row in it says which service and which keys a database belongs to."""
ALL_KINDS: Final[Sequence[RecordKind[Any]]] = (*KINDS, LIMITS)
TABLES: Final = (METADATA_TABLE, *(kind.name for kind in ALL_KINDS))

_TEXT: Final = 'text COLLATE "C"'
_CREATE_METADATA: Final = f"""
CREATE TABLE {METADATA_TABLE} (
    id {_TEXT} PRIMARY KEY,
    schema_version integer NOT NULL,
    key_fingerprint text NOT NULL,
    unfinished_index_key text,
    health_checked_at timestamptz
)
"""


def conditions_of(index: Index) -> list[str]:
    """Return what is true of all rows of an index.

    The last condition names the index, and is true of all rows: no stored id has this form. A query
    that states it can use no other index, because PostgreSQL cannot prove the condition of that.
    PostgreSQL has no hints, and would choose an index of another order where it expects to find
    enough rows soon; it reads the whole table if there are none.
    """
    return [
        *(f"{column} IS NOT NULL" for column in index.present),
        *(f"{column} IS NULL" for column in index.absent),
        *(f"{column} = '{value}'" for column, value in index.only),
        f"id <> E'\\x01{index.name}'",
    ]


def order_of(index: Index) -> list[str]:
    """Return the columns by which the rows of an index with equal values are in order.

    Rows of one time are in the order of their ids, also where no page needs it: PostgreSQL chooses
    a plan for each limit, and each plan would have another order.
    """
    return [index.order, "id"] if index.order else []


def creation_statements() -> Iterator[tuple[str, str]]:
    """Yield the name of each table and index, and the statement that creates it."""
    yield METADATA_TABLE, _CREATE_METADATA
    for kind in ALL_KINDS:
        yield kind.name, _create_table(kind)
        for index in kind.indexes:
            yield index.name, _create_index(kind, index)


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
    columns = ", ".join([*index.equal, *order_of(index)])
    where = " AND ".join(conditions_of(index))
    return f"CREATE {unique}INDEX {index.name} ON {kind.name} ({columns}) WHERE {where}"
