"""A validator of JSON Schema, with the formats of our description."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import jsonschema_rs

from domain.errors import InvalidValue
from domain.identities.username import parse_username
from domain.phone import parse_phone


def _is_parsed(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def is_valid_format(text: str) -> bool:
        try:
            return parse(text) is not None
        except (InvalidValue, ValueError):
            return False

    return is_valid_format


_FORMATS: Final = {
    "date-time": _is_parsed(lambda text: datetime.fromisoformat(text).tzinfo),
    "phone": _is_parsed(parse_phone),
    "username": _is_parsed(parse_username),
}


def resolve(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Follow `$ref`; return the part itself if it has none."""
    while "$ref" in part:
        target: Any = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        part = target
    return part


def is_valid(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """Return whether the value matches the schema, which may refer to parts of the document."""
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "components": document.get("components", {})},
        formats=_FORMATS,
        validate_formats=True,
    )
    # Only JSON's own types, no subclasses.
    return validator.is_valid(json.loads(json.dumps(value)))
