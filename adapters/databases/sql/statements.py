"""The SQL of a kind of records."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from adapters.databases.records.kinds import ENCRYPTED_PHONE
from adapters.databases.records.record_kind import EXPIRES_AT, Index, RecordKind
from adapters.databases.records.stored_keys import PREFIX_BYTES
from adapters.databases.sql.dialect import Dialect
from adapters.databases.sql.schema import conditions_of, order_of

# ruff: noqa: S608 -- the names are ours
_UNORDERED: Final = "0"
_PREFIX_CHARACTERS: Final = PREFIX_BYTES * 4 // 3
"""Characters of the prefix in base64."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of a kind that need no index but that of the ids.

    The values of a record are those of `indexed_fields`, and then its body.

    Attributes:
        scan: Rows after an id: id, limit, offset.
        add: Adds a row, unless its id is taken: id, version, record.
        replace: Replaces the known fields: record, id, version.
        replace_once: The same, but the field that is written once keeps its value.
        delete: Deletes a row: id, version.
        delete_expired: Deletes rows that have expired: time, limit.
    """

    scan: str
    add: str
    replace: str
    replace_once: str
    delete: str
    delete_expired: str


@cache
def statements_of(dialect: Dialect, kind: RecordKind[Any]) -> Statements:
    """Return the statements of a kind."""
    table, place = kind.name, dialect.place
    columns = ["id", "version", *kind.indexed_fields, "body"]
    places = [*[place] * (len(columns) - 1), dialect.body_place]
    row = dialect.row.format(order=_UNORDERED)
    return Statements(
        scan=f"SELECT {row} FROM {table} WHERE id > {place} ORDER BY id "
        f"LIMIT {place} OFFSET {place}",
        add=dialect.add.format(table=table, columns=", ".join(columns), places=", ".join(places)),
        replace=_replace(dialect, kind, None),
        replace_once=_replace(dialect, kind, kind.written_once),
        delete=f"DELETE FROM {table} WHERE id = {place} AND version = {place}",
        delete_expired=delete_expired(dialect, kind) if kind.expires else "",
    )


@cache
def overwrite(dialect: Dialect, kind: RecordKind[Any], field: str) -> str:
    """Return the statement that replaces a field by a text: text, id, version."""
    return _update(dialect, kind, f"body = {dialect.overwrite.format(field=field)}")


@cache
def find(
    dialect: Dialect, kind: RecordKind[Any], index: Index, conditions: Sequence[str], direction: str
) -> str:
    """Return the statement that finds rows of a range of an index: …, limit, offset."""
    row = dialect.row.format(order=index.order or _UNORDERED)
    columns = [f"{column} {direction}" for column in order_of(index)]
    rows = _rows_of(dialect, kind, index, conditions, columns)
    return f"SELECT {row} {rows} LIMIT {dialect.place} OFFSET {dialect.place}"


@cache
def count(dialect: Dialect, kind: RecordKind[Any], index: Index) -> str:
    """Return the statement that counts rows of a range of an index up to a limit."""
    # The order makes the database read the index. Otherwise the table may seem to be cheaper.
    columns = [*index.equal, *([index.order] if index.order else [])]
    rows = _rows_of(dialect, kind, index, (), columns)
    return f"SELECT count(*) FROM (SELECT 1 {rows} LIMIT {dialect.place}) AS found"


@cache
def delete_expired(dialect: Dialect, kind: RecordKind[Any]) -> str:
    """Return the statement that deletes rows that have expired: time, limit."""
    index = kind.find_index(EXPIRES_AT)
    rows = _rows_of(dialect, kind, index, (f"{EXPIRES_AT} <= {dialect.place}",), [EXPIRES_AT])
    query = f"SELECT id {rows} LIMIT {dialect.place}"
    return dialect.delete_found.format(table=kind.name, query=query)


def count_phones(dialect: Dialect, kind: RecordKind[Any]) -> str:
    """Return the statement that counts encrypted phones by their first bytes, in base64."""
    phone = dialect.body_text.format(field=ENCRYPTED_PHONE)
    return (
        f"SELECT substr({phone}, 1, {_PREFIX_CHARACTERS}), count(*) FROM {kind.name} "
        f"WHERE {phone} IS NOT NULL GROUP BY 1"
    )


def _rows_of(
    dialect: Dialect,
    kind: RecordKind[Any],
    index: Index,
    conditions: Sequence[str],
    columns: Sequence[str],
) -> str:
    equal = [f"{field} = {dialect.place}" for field in index.equal]
    where = " AND ".join([*equal, *conditions_of(dialect, index), *conditions])
    hint = dialect.index_hint.format(index=index.name)
    condition = f" WHERE {where}" if where else ""
    order = f" ORDER BY {', '.join(columns)}" if columns else ""
    return f"FROM {kind.name}{hint}{condition}{order}"


def _replace(dialect: Dialect, kind: RecordKind[Any], kept: str | None) -> str:
    columns = "".join(f"{column} = {dialect.place}, " for column in kind.indexed_fields)
    names = sorted(kind.field_names - {kept})
    return _update(dialect, kind, f"{columns}body = {dialect.merge(names, kept)}")


def _update(dialect: Dialect, kind: RecordKind[Any], changes: str) -> str:
    return (
        f"UPDATE {kind.name} SET version = version + 1, {changes} "
        f"WHERE id = {dialect.place} AND version = {dialect.place}"
    )
