"""The tables of all kinds. Indexed fields are columns, and the whole record is JSON in `body`.

A new table, index or column is created when the database is opened. A column is new with its field,
so no row has a value for it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, get_args

import msgspec

from adapters.databases.records.all_kinds import stored_kinds
from adapters.databases.records.database_metadata import METADATA_TABLE
from adapters.databases.records.record_kind import Index, RecordKind
from adapters.databases.records.schema_plan import SchemaObject
from adapters.databases.sql.dialect import Dialect
from adapters.databases.sql.metadata import CREATE_METADATA

OWN_COLUMNS: Final = ("id", "version", "body")
"""The columns that the tables of all kinds have, besides those of indexed fields."""


def conditions_of(dialect: Dialect, index: Index) -> Sequence[str]:
    """Return what is true of all rows of an index."""
    own = dialect.index_condition.format(index=index.name)
    return [
        *(f"{field} IS NOT NULL" for field in index.present),
        *(f"{field} IS NULL" for field in index.absent),
        *(f"{field} = '{value}'" for field, value in index.only),
        *([own] if own else []),
    ]


def order_of(index: Index) -> Sequence[str]:
    """Return the columns by which the rows of an index with equal values are in order.

    Rows of one time are in the order of their ids, also where no page needs it: PostgreSQL chooses
    a plan for each limit, and each plan would have another order.
    """
    return [index.order, "id"] if index.order else []


def column_types(dialect: Dialect, kind: RecordKind[Any]) -> Mapping[str, str]:
    """Return the type of each column of an indexed field."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind.record_type)}
    return {name: _column_type(dialect, fields[name].type) for name in kind.indexed_fields}


def tables() -> Collection[str]:
    """Return the names of all tables."""
    return [METADATA_TABLE, *(kind.name for kind in stored_kinds())]


@cache
def schema(dialect: Dialect) -> Mapping[SchemaObject, str]:
    """Return all tables and indexes, with the statements that create them."""
    return dict(_creation_statements(dialect))


@cache
def column_statements(dialect: Dialect) -> Mapping[SchemaObject, str]:
    """Return the columns of indexed fields, and what adds them to an existing table."""
    return {
        SchemaObject("column", name, kind.name): (
            f"ALTER TABLE {kind.name} ADD COLUMN {name} {column_type}"
        )
        for kind in stored_kinds()
        for name, column_type in column_types(dialect, kind).items()
    }


def find_missing(
    dialect: Dialect, names: Collection[str], columns: Collection[tuple[str, str]]
) -> Mapping[SchemaObject, str]:
    """Return what is missing in a database, and the statements that create it, in their order."""
    missing = {
        column: statement
        for column, statement in column_statements(dialect).items()
        if column.table in names and (column.table, column.name) not in columns
    }
    return missing | {
        created: statement
        for created, statement in schema(dialect).items()
        if created.name not in names
    }


def find_undeclared(dialect: Dialect, found: Iterable[SchemaObject]) -> Sequence[SchemaObject]:
    """Return which of these objects of a database this program does not use."""
    declared = {created.name for created in schema(dialect)}
    return [
        other
        for other in found
        if (
            other not in column_statements(dialect) and other.name not in OWN_COLUMNS
            if other.sort == "column"
            else other.name not in declared
        )
    ]


def select_duplicates(index: SchemaObject) -> str:
    """Return a query: the values that occur in more than one record of a unique index."""
    columns = ", ".join(index.fields)
    present = " AND ".join(f"{column} IS NOT NULL" for column in index.fields)
    return (
        f"SELECT {columns}, count(*) FROM {index.table} WHERE {present} "  # noqa: S608 -- our names
        f"GROUP BY {columns} HAVING count(*) > 1"
    )


def _creation_statements(dialect: Dialect) -> Iterator[tuple[SchemaObject, str]]:
    yield SchemaObject("table", METADATA_TABLE), CREATE_METADATA
    for kind in stored_kinds():
        yield SchemaObject("table", kind.name), _create_table(dialect, kind)
        for index in kind.indexes:
            created = SchemaObject.of_index(kind, index, [*index.equal, *order_of(index)])
            yield created, _create_index(dialect, created, index)


def _create_table(dialect: Dialect, kind: RecordKind[Any]) -> str:
    columns = [
        f"id {dialect.text_type} NOT NULL PRIMARY KEY",
        # The version of a limit is always 0: only batches change limits, under a lock.
        "version bigint NOT NULL DEFAULT 0",
        *(f"{name} {sql_type}" for name, sql_type in column_types(dialect, kind).items()),
        f"body {dialect.body_type} NOT NULL",
    ]
    return f"CREATE TABLE {kind.name} ({', '.join(columns)})"


def _column_type(dialect: Dialect, field_type: Any) -> str:
    types = get_args(field_type) or (field_type,)
    name = dialect.time_type if datetime in types else dialect.text_type
    return name if type(None) in types else f"{name} NOT NULL"


def _create_index(dialect: Dialect, created: SchemaObject, index: Index) -> str:
    unique = "UNIQUE " if created.is_unique else ""
    columns, conditions = ", ".join(created.fields), conditions_of(dialect, index)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"CREATE {unique}INDEX {created.name} ON {created.table} ({columns}){where}"
