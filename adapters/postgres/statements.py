"""The SQL of a kind of records.

`%s` are the places of values, and `%b` of lists: in the binary format, nothing in them is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from adapters.postgres.schema import (
    column_types,
    conditions_of,
    order_of,
    value_of,
)
from adapters.records.record_kind import EXPIRES_AT, Index, RecordKind


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of a kind that need no index but that of the ids.

    The values of a record are those of `indexed_fields`, and then its body.

    Attributes:
        scan: Rows after an id: id, limit, offset.
        add: Adds a row, unless its id is taken: id, version, record.
        replace: Replaces the known fields: record, id, version.
        replace_once: The same, but the field that is written once keeps its value.
        overwrite: Replaces one field: path, value, id, version.
        delete: Deletes a row: id, version.
        move: Moves a row and replaces its known fields: id, version, new id, record.
        delete_expired: Deletes rows that have expired: time, limit.
    """

    scan: str
    add: str
    replace: str
    replace_once: str
    overwrite: str
    delete: str
    move: str
    delete_expired: str


# ruff: noqa: S608 -- the names are ours


@cache
def statements_of(kind: RecordKind[Any]) -> Statements:
    """Return the statements of a kind."""
    table, columns = kind.name, kind.indexed_fields
    names = ", ".join(["id", "version", *columns, "body"])
    places = ", ".join("%s" for _ in columns)
    record = f"{places}, %s::jsonb" if columns else "%s::jsonb"
    return Statements(
        scan=f"SELECT id, version, body::text FROM {table} WHERE id > %s ORDER BY id LIMIT %s "
        "OFFSET %s",
        add=f"INSERT INTO {table} ({names}) VALUES (%s, %s, {record}) ON CONFLICT (id) DO NOTHING",
        replace=_replace(kind, kind.field_names),
        replace_once=_replace(kind, kind.field_names - {kind.written_once or ""}),
        overwrite=f"UPDATE {table} SET version = version + 1, "
        "body = jsonb_set(body, %s, to_jsonb(%s::text)) WHERE id = %s AND version = %s",
        delete=f"DELETE FROM {table} WHERE id = %s AND version = %s",
        move=f"""
        WITH moved AS (DELETE FROM {table} WHERE id = %s AND version = %s RETURNING version, body)
        INSERT INTO {table} ({names})
        SELECT %s, version + 1, {_new_values(kind)} FROM moved
        ON CONFLICT (id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in ("version", *columns, "body"))}
        """,
        delete_expired=delete_expired(kind) if kind.expires else "",
    )


@cache
def load(table: str, version: str = "version") -> str:
    """Return the statement that finds rows by a list of ids."""
    return f"SELECT id, {version}, body::text FROM {table} WHERE id = ANY(%b)"


@cache
def find(kind: RecordKind[Any], index: Index, conditions: Sequence[str], direction: str) -> str:
    """Return the statement that finds rows of a range of an index: …, limit, offset.

    Args:
        kind: The kind.
        index: The index, whose values are first.
        conditions: Further conditions.
        direction: `ASC` or `DESC`.
    """
    where = " AND ".join([*_range_of(index), *conditions])
    columns = ", ".join(f"{column} {direction}" for column in order_of(index))
    order = f"ORDER BY {columns}" if columns else ""
    return f"""
    SELECT id, version, body::text FROM {kind.name} WHERE {where} {order} LIMIT %s OFFSET %s
    """


@cache
def count(kind: RecordKind[Any], index: Index) -> str:
    """Return the statement that counts rows of a range of an index up to a limit."""
    where = " AND ".join(_range_of(index))
    # In their order, they are read from the index. Otherwise the table may seem to be cheaper.
    fields = [*index.equal, *([index.order] if index.order else [])]
    columns = ", ".join(value_of(index, field) for field in fields)
    return f"""
    SELECT count(*) FROM (
        SELECT FROM {kind.name} WHERE {where} ORDER BY {columns} LIMIT %s
    ) AS found
    """


@cache
def delete_expired(kind: RecordKind[Any]) -> str:
    """Return the statement that deletes rows that have expired: time, limit.

    Rows that another transaction writes now are skipped. They may expire later.
    """
    index = kind.find_index(EXPIRES_AT)
    where = " AND ".join([*conditions_of(index), f"{EXPIRES_AT} <= %s"])
    return f"""
    WITH expired AS MATERIALIZED (
        SELECT id FROM {kind.name} WHERE {where}
        ORDER BY {EXPIRES_AT} LIMIT %s FOR UPDATE SKIP LOCKED
    )
    DELETE FROM {kind.name} WHERE id = ANY(ARRAY(SELECT id FROM expired))
    """


def unknown_fields(table: str, names: frozenset[str]) -> str:
    """Return an expression: the stored body without these fields."""
    listed = ", ".join(f"'{name}'" for name in sorted(names))
    return f"({table}.body - ARRAY[{listed}])"


def _range_of(index: Index) -> list[str]:
    return [*(f"{value_of(index, field)} = %s" for field in index.equal), *conditions_of(index)]


def place_of(index: Index) -> str:
    """Return what a range of an index with an order is compared by."""
    return value_of(index, index.order or "id")


def _replace(kind: RecordKind[Any], replaced: frozenset[str]) -> str:
    columns = "".join(f"{column} = %s, " for column in kind.indexed_fields)
    # What is kept is on the right, where it wins.
    return f"""
    UPDATE {kind.name} SET version = version + 1, {columns}
    body = %s::jsonb || {unknown_fields(kind.name, replaced)} WHERE id = %s AND version = %s
    """


def _new_values(kind: RecordKind[Any]) -> str:
    """Return the values of a record, whose unknown fields are those of the moved row."""
    types = [column_type.split()[0] for column_type in column_types(kind).values()]
    places = "".join(f"%s::{sql_type}, " for sql_type in types)
    return f"{places}%s::jsonb || {unknown_fields('moved', kind.field_names)}"
