"""As much of JSON Schema as our description uses."""

import re
from typing import Any

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
    "$ref", "additionalProperties", "anyOf", "enum", "items", "maximum", "maxLength", "minimum",
    "pattern", "properties", "required", "type",
}  # fmt: skip
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
    matches = re.search(schema.get("pattern", ""), value) is not None
    return matches and len(value) <= schema.get("maxLength", len(value))


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
