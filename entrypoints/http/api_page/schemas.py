"""What the framework says of our types, made exact."""

from collections.abc import Iterable
from typing import Any

import msgspec


def complete_schemas(description: dict[str, Any], bodies: Iterable[type[msgspec.Struct]]) -> None:
    """Say what is sent to us, what we send, and which of it may be missing.

    - A body that refuses unknown fields says so.
    - An answer always has all its fields but those that it leaves out when they say nothing.
    - A union is `anyOf`: two of its schemas may fit the same answer.
    """
    sent = {body.__name__: body for body in bodies}
    for name, schema in description["components"]["schemas"].items():
        optional = {key for key, one in schema["properties"].items() if _is_left_out(one)}
        if name not in sent:
            schema["required"] = sorted(schema["properties"].keys() - optional)
        elif sent[name].__struct_config__.forbid_unknown_fields:
            schema["additionalProperties"] = False
    _say_any_of(description)


def _is_left_out(schema: dict[str, Any]) -> bool:
    # The framework shows a field that msgspec may leave out as a union of one.
    return len(schema.get("oneOf", ())) == 1


def _say_any_of(part: Any) -> None:
    if isinstance(part, list):
        for one in part:
            _say_any_of(one)
    elif isinstance(part, dict):
        alternatives = part.get("oneOf")
        if isinstance(alternatives, list):
            del part["oneOf"]
            if len(alternatives) == 1:
                part.update({**alternatives[0], **part})
            else:
                part["anyOf"] = alternatives
        for one in part.values():
            _say_any_of(one)
