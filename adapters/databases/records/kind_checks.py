"""Checks of the kinds of records of extensions, whose names begin with `x_`.

No kind of ours has such a name, so the records of an extension are known by it, also where that is
no longer installed.
"""

import re
from datetime import datetime
from typing import Any, Final, get_args

import msgspec

from adapters.databases.records.record_kind import (
    MAX_ID_LENGTH,
    MAX_INDEX_BYTES,
    MAX_NAME_LENGTH,
    Index,
    RecordKind,
)

_NAME: Final = re.compile(r"x_[a-z][a-z0-9_]*")
_PART: Final = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED_WORDS: Final = """
add all alter analyse analyze and any array as asc asymmetric authorization autoincrement
between binary body both case cast check collate collation column commit concurrently constraint
create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable delete desc distinct do drop else end escape
except exists false fetch for foreign freeze from full grant group having id if ilike in index
initially inner insert intersect into is isnull join lateral leading left like limit localtime
localtimestamp natural not nothing notnull null offset on only or order outer overlaps placing
primary references returning right rowid select session_user set similar some symmetric
system_user table tablesample then to trailing transaction true union unique update user using
values variadic verbose version when where window with
"""
_RESERVED: Final = frozenset(_RESERVED_WORDS.split())
"""Words that cannot be the name of a column in SQLite or PostgreSQL, and our own columns."""


def is_of_extension(name: str) -> bool:
    """Return whether a kind of records with this name is of an extension."""
    return bool(_NAME.fullmatch(name)) and len(name) <= MAX_NAME_LENGTH


def find_kind_problem(kind: RecordKind[Any]) -> str | None:
    """Return why an extension cannot have this kind of records, in a sentence, or None."""
    if not is_of_extension(kind.name):
        return (
            "Its name must begin with x_ and have lower-case letters, digits and underscores, at "
            f"most {MAX_NAME_LENGTH} characters."
        )
    declared = msgspec.structs.fields(kind.record_type)
    fields = {field.encode_name: field.type for field in declared}
    if fields.get("id") is not str:
        return "Its Struct must have a field `id: str`."
    problems = (_find_index_problem(kind, index, fields) for index in kind.indexes)
    if problem := next(filter(None, problems), None):
        return problem
    for field in declared:
        if field.encode_name in kind.indexed_fields and _has_other_default(field):
            return (
                f"An index needs its field {field.encode_name}, whose default no older record has "
                "there: give it no default, or None."
            )
    return None


def _has_other_default(field: msgspec.structs.FieldInfo) -> bool:
    is_other = field.default is not msgspec.NODEFAULT and field.default is not None
    return is_other or field.default_factory is not msgspec.NODEFAULT


def _find_index_problem(kind: RecordKind[Any], index: Index, fields: dict[str, Any]) -> str | None:
    place = f"Its index {index.name}"
    if not index.name.startswith(f"{kind.name}_") or not _PART.fullmatch(index.name):
        return f"{place} must have a name that begins with {kind.name}_."
    if len(index.name) > MAX_NAME_LENGTH:
        return f"{place} must have a name of at most {MAX_NAME_LENGTH} characters."
    for name in sorted(index.fields):
        types = {*(get_args(fields.get(name)) or (fields.get(name),))} - {type(None)}
        if name in _RESERVED or not _PART.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
            return f"{place} needs the field {name}, whose name databases reserve: rename it."
        expected = datetime if name == index.order else str
        if types != {expected} and not (types == {datetime} and name not in index.equal):
            return f"{place} needs a field {name} of the type {expected.__name__}."
    # PostgreSQL adds the id to each index with an order. A character has up to four bytes.
    texts = [*map(kind.max_length, index.equal), *([MAX_ID_LENGTH] if index.order else [])]
    if 4 * sum(texts) > MAX_INDEX_BYTES:
        return f"{place} has too many fields: all values of a record have {MAX_INDEX_BYTES} bytes."
    if any("'" in value for _, value in index.only):
        return f"{place} must not have an apostrophe in a value of `only`."
    return None
