"""The schema of the file.

- A record is JSON in `body` (`adapters.records`). The other columns repeat what queries search for.
- Times in columns are microseconds since 1970 in UTC.
- A new table, index or column raises no version: it is created when the file is opened. A column is
  new with its field, so no row has a value for it. An index of fields from before reads them from
  `body`. A change that older programs cannot read raises the version, and they do not start.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from adapters.records.all_kinds import stored_kinds
from adapters.records.copy_marks import check_mark
from adapters.records.database_metadata import (
    SCHEMA_VERSION,
    UNFINISHED,
    check_schema_version,
)
from adapters.records.limits import LIMITS
from adapters.records.record_kind import Index, RecordKind
from adapters.records.schema_plan import DUPLICATES, SchemaObject, SchemaPlan
from adapters.records.undeclared_records import find_absent_feature
from adapters.sqlite.undeclared_tables import has_layout, list_tables
from application.ports.errors import ConfigurationError, OtherKeys

APPLICATION_ID: Final = 0x4449414C
"""The id in the header of the file that says it is Dialtone's: the letters DIAL."""
KEY_FINGERPRINT: Final = "key_fingerprint"
UNFINISHED_INDEX_KEY: Final = "unfinished_index_key"
"""While the index key is changed, its value is the fingerprint of the keys before."""
COPY_MARK: Final = "copy_mark"
"""The name of the mark in the metadata."""

METADATA: Final = """
CREATE TABLE metadata (
    name TEXT NOT NULL PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID
"""

_log = logging.getLogger(__name__)


def value_of(index: Index, field: str) -> str:
    """Return the column of a field, or the expression that reads it from the body.

    A time in the body is a text in UTC. Without its Z, an earlier one comes first. The id is part
    of the expression of an order: SQLite compares a row value with columns only, not with an
    expression.
    """
    if field not in index.body_fields:
        return field
    read = f"json_extract(body, '$.{field}')"
    return f"rtrim({read}, 'Z') || ' ' || id" if field == index.order else read


def conditions_of(index: Index) -> Sequence[str]:
    """Return what is true of all rows of an index."""
    return [
        *(f"{value_of(index, field)} IS NOT NULL" for field in index.present),
        *(f"{value_of(index, field)} IS NULL" for field in index.absent),
        *(f"{value_of(index, field)} = '{value}'" for field, value in index.only),
    ]


def order_of(index: Index) -> Sequence[str]:
    """Return the columns by which the rows of an index with equal values are in order."""
    order = (value_of(index, index.order),) if index.order else ()
    has_id = index.is_paged and index.order not in index.body_fields
    return [*order, *(("id",) if has_id else ())]


def columns_of(index: Index) -> Sequence[str]:
    """Return the columns of an index."""
    return [*(value_of(index, field) for field in index.equal), *order_of(index)]


def _fields_of(index: Index) -> Sequence[str]:
    order = (index.order,) if index.order else ()
    return [*index.equal, *order, *(("id",) if index.is_paged else ())]


def _columns_of(kind: RecordKind[Any]) -> Mapping[str, str]:
    """Return the type of each column of an indexed field."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind.record_type)}
    return {name: _column_type(fields[name].type) for name in kind.indexed_fields}


def _create_table(kind: RecordKind[Any]) -> str:
    # Only the writer changes limits.
    version = [] if kind is LIMITS else ["version INTEGER NOT NULL"]
    columns = [f"{name} {column_type}" for name, column_type in _columns_of(kind).items()]
    all_columns = ["id TEXT NOT NULL PRIMARY KEY", *version, *columns, "body TEXT NOT NULL"]
    return f"CREATE TABLE {kind.name} ({', '.join(all_columns)})"


def _column_type(field_type: Any) -> str:
    types = get_args(field_type) or (field_type,)
    name = "INTEGER" if datetime in types else "TEXT"
    return name if type(None) in types else f"{name} NOT NULL"


def _create_index(kind: RecordKind[Any], index: Index) -> str:
    unique = "UNIQUE " if index.is_unique else ""
    columns = ", ".join(columns_of(index))
    conditions = conditions_of(index)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"CREATE {unique}INDEX {index.name} ON {kind.name} ({columns}){where}"


def _creation_statements() -> Iterator[tuple[SchemaObject, str]]:
    """Yield each table and index of the schema, and the statement that creates it."""
    yield SchemaObject("table", "metadata"), METADATA
    for kind in stored_kinds():
        yield SchemaObject("table", kind.name), _create_table(kind)
        for index in kind.indexes:
            yield SchemaObject.of_index(kind, index, _fields_of(index)), _create_index(kind, index)


@cache
def schema() -> Mapping[SchemaObject, str]:
    """Return all tables and indexes, with the statements that create them."""
    return dict(_creation_statements())


@cache
def column_statements() -> Mapping[SchemaObject, str]:
    """Return the columns of indexed fields, and what adds them to an existing table."""
    return {
        SchemaObject("column", name, kind.name): (
            f"ALTER TABLE {kind.name} ADD COLUMN {name} {type_}"
        )
        for kind in stored_kinds()
        for name, type_ in _columns_of(kind).items()
    }


def find_missing(connection: sqlite3.Connection) -> Mapping[SchemaObject, str]:
    """Return the tables, columns and indexes that are missing, and the statements for them."""
    existing = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    missing = {
        column: statement
        for column, statement in column_statements().items()
        if column.table in existing and column not in _find_columns(connection, column.table)
    }
    return missing | {
        created: statement
        for created, statement in schema().items()
        if created.name not in existing
    }


def find_plan(connection: sqlite3.Connection, *, is_new: bool) -> SchemaPlan:
    """Return what `prepare_schema` would change, and what else the file has."""
    rows = connection.execute("SELECT type, name, tbl_name FROM sqlite_master WHERE sql NOTNULL")
    found = [SchemaObject(sort, name, table if name != table else "") for sort, name, table in rows]
    declared = {created.name for created in schema()}
    others = [other for other in found if other.name not in declared and not _is_statistics(other)]
    columns = [
        column
        for kind in stored_kinds()
        for column in _find_columns(connection, kind.name)
        if column not in column_statements() and column.name not in ("id", "version", "body")
    ]
    return SchemaPlan(
        is_new=is_new,
        missing=[*find_missing(connection)],
        undeclared=[*columns, *others],
    )


def create_schema_object(
    connection: sqlite3.Connection, created: SchemaObject, statement: str, path: Path
) -> None:
    """Create a table, a column or an index, in a transaction.

    Raises:
        ConfigurationError: Records have the same value of a unique index.
        sqlite3.Error
    """
    try:
        connection.execute(statement)
    except sqlite3.IntegrityError:
        raise ConfigurationError(_describe_duplicates(connection, created, path)) from None


def prepare_schema(
    connection: sqlite3.Connection, path: Path, key_fingerprint: str, *, is_copy: bool = False
) -> None:
    """Create what is missing, all or nothing, also if several processes open the file.

    Raises:
        ConfigurationError: It is of another program, of a newer version, or of other keys.
        sqlite3.Error
    """
    connection.execute("BEGIN IMMEDIATE")
    is_new = check_schema(connection, path, key_fingerprint) is None
    if not is_new and not is_copy:
        check_mark(read_metadata(connection, COPY_MARK), str(path))
    for missing, statement in find_missing(connection).items():
        create_schema_object(connection, missing, statement, path)
    if is_new:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.executemany(
            "INSERT INTO metadata (name, value) VALUES (?, ?)",
            [
                ("schema_version", SCHEMA_VERSION),
                ("health_check_count", 0),
                (KEY_FINGERPRINT, key_fingerprint),
            ],
        )
    connection.execute("COMMIT")
    if is_new:
        _log.info({"event": "database_created", "schema_version": SCHEMA_VERSION})


def check_schema(
    connection: sqlite3.Connection, path: Path, key_fingerprint: str | None
) -> int | None:
    """Return the schema version of the file, or None if it is empty.

    Args:
        connection: To the file.
        path: For error messages.
        key_fingerprint: The fingerprint of the keys; None if it is not known.

    Raises:
        ConfigurationError: It is of another program, of a newer version, or of other keys.
        sqlite3.Error
    """
    if _is_new(connection, path):
        return None
    check_schema_version(read_metadata(connection, "schema_version"), path)
    if read_metadata(connection, UNFINISHED_INDEX_KEY) is not None:
        raise ConfigurationError(UNFINISHED.format(location=path))
    if key_fingerprint not in (None, read_metadata(connection, KEY_FINGERPRINT)):
        raise OtherKeys(
            f"{path} was written with other keys: start with the keys that it was first opened "
            "with, or name another file."
        )
    return SCHEMA_VERSION


def complete_schema(connection: sqlite3.Connection, path: Path) -> str | None:
    """Create the tables, columns and indexes that the file of an older program does not have.

    Returns:
        The first object that is not of this schema, e.g. `trigger x`; nothing is created then. The
        tables of ANALYZE are none, and no table of a feature that this program does not have.

    Raises:
        ConfigurationError: The records violate a unique index.
    """
    undeclared = {
        name
        for name in list_tables(connection)
        if find_absent_feature(name) and has_layout(connection, name)
    }
    objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    for kind, name, table, sql in objects:
        is_statistics = kind == "table" and name.startswith("sqlite_stat")
        is_undeclared = kind in ("table", "index") and table in undeclared
        if not _is_known(kind, name, sql) and not is_statistics and not is_undeclared:
            return f"{kind} {name}"
    try:
        for statement in find_missing(connection).values():
            connection.execute(statement)
    except sqlite3.IntegrityError:
        raise ConfigurationError(f"{path} is damaged: use an earlier backup.") from None
    return None


def read_metadata(connection: sqlite3.Connection, name: str) -> Any:
    """Return a value of the metadata, or None."""
    row = connection.execute("SELECT value FROM metadata WHERE name = ?", (name,)).fetchone()
    return row and row[0]


def _is_known(kind: str, name: str, sql: str | None) -> bool:
    """Return whether an object is of the schema. A table may lack columns that are newer."""
    known: str | None = _known_objects().get((kind, name), "")
    created = _normalize(sql)
    if kind != "table" or not known or not created:
        return known == created
    return _definitions_of(known) >= _definitions_of(created)


def _definitions_of(create_table: str) -> frozenset[str]:
    """Return the name of a table, its columns in any order, and what comes after them.

    A column that was added is the last one. No definition has a comma.
    """
    name, _, rest = create_table.partition("(")
    columns, _, options = rest.rpartition(")")
    return frozenset([name, *(column.strip() for column in columns.split(",")), f") {options}"])


def _find_columns(connection: sqlite3.Connection, table: str) -> Sequence[SchemaObject]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return [SchemaObject("column", name, table) for (name,) in rows]


def _describe_duplicates(connection: sqlite3.Connection, index: SchemaObject, path: Path) -> str:
    columns = ", ".join(index.fields)
    present = " AND ".join(f"{column} IS NOT NULL" for column in index.fields)
    query = (
        f"SELECT {columns}, count(*) FROM {index.table} WHERE {present} "  # noqa: S608 -- our names
        f"GROUP BY {columns} HAVING count(*) > 1"
    )
    (count,) = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()  # noqa: S608
    return DUPLICATES.format(
        location=path, name=index.name, count=count, table=index.table, query=query
    )


def _is_statistics(other: SchemaObject) -> bool:
    return other.sort == "table" and other.name.startswith("sqlite_stat")


@cache
def _known_objects() -> Mapping[tuple[str, str], str | None]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in schema().values():
            connection.execute(statement)
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master")
        return {(kind, name): _normalize(sql) for kind, name, sql in rows}


def _normalize(sql: str | None) -> str | None:
    """Return a statement in one line; None of an automatic index."""
    return sql and " ".join(sql.split())


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    application_id = _read_pragma(connection, "application_id")
    if application_id == APPLICATION_ID:
        return False
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id or tables or _read_pragma(connection, "user_version"):
        raise ConfigurationError(f"{path} is the database of another program: name another file.")
    return True


def _read_pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
