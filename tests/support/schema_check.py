"""A validator of JSON Schema, with the formats of our description."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from operator import getitem
from typing import Any, Final

import jsonschema_rs

from domain.errors import InvalidValue
from domain.identities.username import parse_username
from domain.otp.challenge import parse_otp_code
from domain.phone import parse_phone


def _is_parsed(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def is_valid_format(text: str) -> bool:
        with suppress(InvalidValue):
            return parse(text) is not None
        return False

    return is_valid_format


_FORMATS: Final = {
    "otp": _is_parsed(parse_otp_code),
    "phone": _is_parsed(parse_phone),
    "username": _is_parsed(parse_username),
}


def resolve(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Follow `$ref`; return the part itself if it has none."""
    while reference := part.get("$ref"):
        part = reduce(getitem, reference.removeprefix("#/").split("/"), document)
    return part


def make_validator(document: dict[str, Any], schema: dict[str, Any]) -> Callable[[Any], bool]:
    """Return a check whether a value matches the schema, which may refer to parts of the document.

    To make one takes milliseconds.
    """
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "components": document.get("components", {})},
        formats=_FORMATS,
        validate_formats=True,
    )
    # Only JSON's own types, no subclasses.
    return lambda value: validator.is_valid(json.loads(json.dumps(value)))


def is_valid(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """Return whether one value matches the schema."""
    return make_validator(document, schema)(value)
