"""PostgreSQL's SQL, with the places of psycopg.

`%s` are the places of values, and `%b` of lists: in the binary format, nothing in them is escaped.
"""

import re
from collections.abc import Collection
from typing import Final

from psycopg.types.numeric import Int8

from adapters.databases.sql.dialect import Dialect

_ENCODED: Final = {"\0": "\1\1", "\1": "\1\2"}
_DECODED: Final = {encoded: text for text, encoded in _ENCODED.items()}
# In JSON these characters are escaped, and other escapes may look like them: a backslash, `u0000`.
_JSON_ESCAPE: Final = re.compile(r"\\(?:u000[01]|.)")
_ENCODED_JSON: Final = {r"\u0000": r"\u0001\u0001", r"\u0001": r"\u0001\u0002"}
_STORED_JSON_ESCAPE: Final = re.compile(r"\\(?:u0001\\u000[12]|.)")
_DECODED_JSON: Final = {encoded: text for text, encoded in _ENCODED_JSON.items()}


def encode_text(text: str) -> str:
    """Return a text as it is stored."""
    if "\0" not in text and "\1" not in text:
        return text
    return re.sub("[\0\1]", lambda found: _ENCODED[found[0]], text)


def decode_text(stored: str) -> str:
    """Return the text that is stored like this."""
    if "\1" not in stored:
        return stored
    return re.sub("\1[\1\2]", lambda found: _DECODED[found[0]], stored)


def encode_json(body: str) -> str:
    """Return a JSON text as it is stored: all texts in it are encoded."""
    if r"\u000" not in body:
        return body
    return _JSON_ESCAPE.sub(lambda found: _ENCODED_JSON.get(found[0], found[0]), body)


def decode_json(stored: str) -> str:
    """Return the JSON text that is stored like this."""
    if r"\u0001" not in stored:
        return stored
    return _STORED_JSON_ESCAPE.sub(lambda found: _DECODED_JSON.get(found[0], found[0]), stored)


def to_column(value: object) -> object:
    """Return a value as the driver gets it. All numbers have one type, whatever their size."""
    if isinstance(value, str):
        return encode_text(value)
    return Int8(value) if isinstance(value, int) else value


def unknown_fields(table: str, names: Collection[str]) -> str:
    """Return an expression: the stored body without these fields."""
    listed = ", ".join(f"'{name}'" for name in sorted(names))
    return f"({table}.body - ARRAY[{listed}])"


def _merge(names: Collection[str], _: str | None) -> str:
    # What is kept has no name here, and on the right it wins.
    listed = ", ".join(f"'{name}'" for name in names)
    return f"%s::jsonb || (body - ARRAY[{listed}])"


POSTGRES: Final = Dialect(
    place="%s",
    body_place="%s::jsonb",
    # Whatever language the database has.
    text_type='text COLLATE "C"',
    time_type="timestamptz",
    body_type="jsonb",
    row="id, version, body::text",
    body_text="(body ->> '{field}')",
    # It is true of all rows: no stored id has this form. A query that states it can use no other
    # index, because PostgreSQL cannot prove the condition of that. PostgreSQL has no hints, and
    # would choose an index of another order where it expects to find enough rows soon; without such
    # rows it reads the whole table.
    index_condition="id <> E'\\x01{index}'",
    has_schema_version="jsonb_typeof(body -> 'schema_version') = 'number'",
    list_tables="""
        SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = current_schema() AND relkind IN ('r', 'p')
    """,
    count_columns="""
        SELECT count(*) FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = current_schema() AND relname = %s AND relkind IN ('r', 'p')
            AND attnotnull AND NOT attisdropped AND (attname, atttypid) IN
            (('id', 'text'::regtype), ('version', 'bigint'::regtype), ('body', 'jsonb'::regtype))
    """,
    # As of the last VACUUM or ANALYZE.
    estimate_size="SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = %s::regclass",
    add="INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT (id) DO NOTHING",
    # Rows that another transaction writes now are skipped. They may expire later.
    delete_found="""
        WITH found AS MATERIALIZED ({query} FOR UPDATE SKIP LOCKED)
        DELETE FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM found))
    """,
    overwrite="body || jsonb_build_object('{field}', %s::text)",
    merge=_merge,
    to_column=to_column,
    to_body=encode_json,
)
