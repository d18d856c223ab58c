"""As much of JSON Schema as our description uses."""

import re
from collections.abc import Callable
from typing import Any

from domain.errors import InvalidValue
from domain.identities.username import parse_username
from domain.phone import parse_phone

KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
# Anything else in a schema would go unchecked, so it is not let through.
CHECKED = {
    "$ref", "additionalProperties", "anyOf", "enum", "format", "items", "maximum", "maxLength",
    "minimum", "pattern", "properties", "required", "type",
}  # fmt: skip
FORMATS: dict[str, Callable[[str], object]] = {"phone": parse_phone, "username": parse_username}
"""What reads a text of each format, or raises InvalidValue."""
TELLING = {"contentMediaType", "default", "description", "examples", "title"}


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to, or the part itself."""
    while "$ref" in part:
        found: Any = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        part = found
    return part


def fits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """Whether the value is what the schema says."""
    schema = resolved(document, schema)
    unknown = schema.keys() - CHECKED - TELLING
    assert not unknown, f"nobody checks {unknown}"
    return (
        _is_of_type(schema, value)
        and value in schema.get("enum", [value])
        and _is_of_any(document, schema, value)
        and (not isinstance(value, str) or _is_text(schema, value))
        and (not isinstance(value, int) or _is_number(schema, value))
        and all(fits(document, schema.get("items", {}), one) for one in _entries(value))
        and (not isinstance(value, dict) or _is_object(document, schema, value))
    )


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_of_any(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    given = schema.get("anyOf")
    return given is None or any(fits(document, one, value) for one in given)


def _is_of_type(schema: dict[str, Any], value: Any) -> bool:
    if "type" not in schema:
        return True
    if isinstance(value, bool):
        return bool(schema["type"] == "boolean")
    return isinstance(value, KINDS[schema["type"]])


def _is_text(schema: dict[str, Any], value: str) -> bool:
    return (
        re.search(_as_python_writes(schema.get("pattern", "")), value) is not None
        and len(value) <= schema.get("maxLength", len(value))
        and ("format" not in schema or _is_of_format(schema["format"], value))
    )


def _as_python_writes(pattern: str) -> str:
    # Python knows no \p{Nd}, but its \d is just that; and its $ would let a line break follow.
    translated = pattern.replace(r"\p{Nd}", r"\d")
    return re.sub(r"\$\Z", r"\\Z", translated)


def _is_of_format(name: str, value: str) -> bool:
    try:
        FORMATS[name](value)
    except InvalidValue:
        return False
    return True


def _is_number(schema: dict[str, Any], value: int) -> bool:
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _is_object(document: dict[str, Any], schema: dict[str, Any], value: dict[str, Any]) -> bool:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    return set(schema.get("required", ())) <= value.keys() and all(
        fits(document, properties[name], one)
        if name in properties
        else others is True or (others is not False and fits(document, others, one))
        for name, one in value.items()
    )
