"""A validator for the part of JSON Schema that our description uses."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.errors import InvalidValue
from domain.identities.username import parse_username
from domain.phone import parse_phone

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def parse_time(text: str) -> datetime:
    """Parse a time with an offset (RFC 3339); raises InvalidValue."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(str(error)) from None
    if time.tzinfo is None:
        raise InvalidValue("The offset is missing.")
    return time


# Any other keyword fails the test: it would not be checked.
CHECKED_KEYWORDS = {
    "$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "format", "items", "maximum",
    "maxLength", "minimum", "pattern", "properties", "required", "type",
}  # fmt: skip
ANNOTATIONS = {"contentMediaType", "default", "description", "examples", "title"}
FORMATS: dict[str, Callable[[str], object]] = {
    "binary": str,
    "date-time": parse_time,
    "phone": parse_phone,
    "username": parse_username,
}
"""The parser of each format, which raises InvalidValue."""


def resolve(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Follow `$ref`; return the part itself if it has none."""
    while "$ref" in part:
        target: Any = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        part = target
    return part


def is_valid(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """Return whether the value matches the schema."""
    schema = resolve(document, schema)
    unknown = schema.keys() - CHECKED_KEYWORDS - ANNOTATIONS
    assert not unknown, f"these keywords are not checked: {unknown}"
    return (
        _has_type(schema, value)
        and value in schema.get("enum", [value])
        and value == schema.get("const", value)
        and all(is_valid(document, part, value) for part in schema.get("allOf", ()))
        and _matches_any(document, schema, value)
        and (not isinstance(value, str) or _is_valid_text(schema, value))
        and (not isinstance(value, int) or _is_valid_number(schema, value))
        and (
            not isinstance(value, list)
            or all(is_valid(document, schema.get("items", {}), element) for element in value)
        )
        and (not isinstance(value, dict) or _is_valid_object(document, schema, value))
    )


def _matches_any(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    alternatives = schema.get("anyOf")
    return alternatives is None or any(is_valid(document, part, value) for part in alternatives)


def _has_type(schema: dict[str, Any], value: Any) -> bool:
    if "type" not in schema:
        return True
    if isinstance(value, bool):
        return bool(schema["type"] == "boolean")
    return isinstance(value, TYPES[schema["type"]])


def _is_valid_text(schema: dict[str, Any], value: str) -> bool:
    return (
        re.search(_to_python_pattern(schema.get("pattern", "")), value) is not None
        and len(value) <= schema.get("maxLength", len(value))
        and ("format" not in schema or _has_format(schema["format"], value))
    )


def _to_python_pattern(pattern: str) -> str:
    # Python has no \p{Nd}, but its \d is the same. Its $ would allow a line break at the end.
    translated = pattern.replace(r"\p{Nd}", r"\d")
    return re.sub(r"\$\Z", r"\\Z", translated)


def _has_format(name: str, value: str) -> bool:
    try:
        FORMATS[name](value)
    except InvalidValue:
        return False
    return True


def _is_valid_number(schema: dict[str, Any], value: int) -> bool:
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _is_valid_object(
    document: dict[str, Any], schema: dict[str, Any], value: dict[str, Any]
) -> bool:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    return set(schema.get("required", ())) <= value.keys() and all(
        is_valid(document, properties[name], element)
        if name in properties
        else others is True or (others is not False and is_valid(document, others, element))
        for name, element in value.items()
    )
