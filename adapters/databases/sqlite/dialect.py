"""SQLite's SQL. Bodies are JSON in texts, and times are microseconds since 1970 in UTC."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.databases.sql.dialect import Dialect

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# ruff: noqa: S608 -- the names are ours


def to_column(value: object) -> object:
    """Return a value as columns store it: times as microseconds since 1970, exact and in order."""
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value


def merge(
    names: Collection[str], kept: str | None = None, *, stored: str = "body", new: str = "?"
) -> str:
    """Return an expression: see `Dialect.merge`.

    The objects have no field in common, so the text of one follows that of the other.
    """
    paths = "".join(f", '$.{name}'" for name in names)
    fields = "new"
    if kept:
        fields = f"iif(json_type(old, '$.{kept}') IS NULL, new, json_remove(new, '$.{kept}'))"
    return f"""(
        SELECT iif(old = '{{}}', new, substr(old, 1, length(old) - 1) || ',' || substr({fields}, 2))
        FROM (SELECT json_remove({stored}{paths}) AS old, {new} AS new)
    )"""


SQLITE: Final = Dialect(
    place="?",
    body_place="?",
    text_type="text",
    time_type="integer",
    body_type="text",
    row="id, version, json_quote({order}) AS place, body",
    body_text="json_extract(body, '$.{field}')",
    # SQLite would sometimes choose another index, and read more.
    index_hint=" INDEXED BY {index}",
    has_schema_version=(
        "CASE WHEN json_valid(body) THEN json_type(body, '$.schema_version') END = 'integer'"
    ),
    list_tables=(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' "
        "ESCAPE '~'"
    ),
    count_columns="""
        SELECT count(*) FROM pragma_table_info(?) WHERE "notnull"
        AND (name, lower(type)) IN (VALUES ('id', 'text'), ('version', 'bigint'), ('body', 'text'))
    """,
    # Not ON CONFLICT (id): SQLite does not promise which of two conflicts it reports, and a record
    # that is added again must get a conflict of its id.
    add=(
        "INSERT INTO {table} ({columns}) SELECT {places} "
        "WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE id = ?1)"
    ),
    delete_found="DELETE FROM {table} WHERE id IN ({query})",
    overwrite="json_set(body, '$.{field}', ?)",
    merge=merge,
    to_column=to_column,
)
