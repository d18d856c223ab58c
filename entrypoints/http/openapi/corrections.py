"""Where Litestar's schemas are not exact, or generators of clients do not understand them.

Each function names the programs that need it. What an operation has of its own stands at its
route: see `operations.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import msgspec
from msgspec.inspect import Metadata, StructType, Type, UnionType


def add_fields(
    schemas: dict[str, Any],
    fields: Mapping[type[msgspec.Struct], type[msgspec.Struct]],
    bodies: Mapping[str, type[msgspec.Struct]],
) -> None:
    """Add the fields that a feature adds to a Struct of the core, or describes better."""
    for struct, added in fields.items():
        extra = schemas.pop(added.__name__)
        inherit = {name for name, body in bodies.items() if issubclass(body, struct)}
        for name in inherit | ({struct.__name__} & schemas.keys()):
            schemas[name]["properties"] |= deepcopy(extra["properties"])
            required = {*schemas[name]["required"], *extra.get("required", ())}
            schemas[name]["required"] = sorted(required)


def component_name(struct: type[Any]) -> str:
    """Return what Litestar calls the schema of a class, if no other one has the same name."""
    return struct.__qualname__.replace(".<locals>.", ".")


def correct_bodies(
    schemas: dict[str, Any],
    bodies: Mapping[str, type[msgspec.Struct]],
    sent: Mapping[str, StructType],
) -> None:
    """Say which fields bodies may have, and which are sent together.

    - Litestar does not say that a Struct forbids unknown fields. Schemathesis would send some.
    - Conditions say what is sent together: openapi-generator and openapi-typescript make a class
      of each alternative of `anyOf`, and do not read `if`.

    Args:
        schemas: The schemas by name.
        bodies: The bodies of requests by the names of their schemas.
        sent: All Structs in them, with the fields of features; see `find_structs`.
    """
    for name, struct in sent.items():
        # Of an extension, two may have one name: these are not corrected.
        if struct.forbid_unknown_fields and name in schemas:
            schemas[name]["additionalProperties"] = False
    for name, body in bodies.items():
        if name in schemas and (combinations := getattr(body, "combinations", ())):
            # Redocly would not allow other fields in them.
            alternatives = [{**schema, "additionalProperties": True} for schema in combinations]
            schemas[name] |= {"if": {"anyOf": alternatives}, "else": {"not": {}}}


def find_structs(bodies: Iterable[type[msgspec.Struct]]) -> Mapping[str, StructType]:
    """Return the Structs in these, and in their fields, by the names of their schemas."""
    structs = (struct for body in bodies for struct in _walk(msgspec.inspect.type_info(body)))
    return {component_name(struct.cls): struct for struct in structs}


def _walk(info: Type) -> Iterator[StructType]:
    match info:
        case Metadata(type=annotated):
            yield from _walk(annotated)
        case UnionType(types=types):
            for alternative in types:
                yield from _walk(alternative)
        case StructType(fields=fields):
            yield info
            for field in fields:
                yield from _walk(field.type)


def correct_responses(
    schemas: Mapping[str, Any], bodies: Mapping[str, Any], sent: Mapping[str, StructType]
) -> None:
    """Require the fields that are always there, and let a later version add values.

    - Litestar requires no field with a default, because a request may omit it. It shows each
      default but that of a field that msgspec may omit. All clients would take these fields for
      optional ones.
    - Generators narrow a union by a constant. For a boolean one the Python client of
      openapi-generator lists texts, and rejects the response; without a type it does not.
    - Enumerations become texts: the Python client of openapi-generator and the checks of hey-api
      reject a response with another value.

    Args:
        schemas: The schemas by name.
        bodies: The bodies of requests by the names of their schemas, which stay.
        sent: All Structs in these, whose enumerations stay.
    """
    for name, schema in schemas.items():
        fields = schema.get("properties", {})
        if name not in bodies and fields:
            always = (key for key, field in fields.items() if "default" in field)
            schema["required"] = sorted({*schema.get("required", ()), *always})
        for field in fields.values() if name not in sent else ():
            if "const" in field:
                del field["type"]
            if "enum" in field:
                values = [value for value in field.pop("enum") if value is not None]
                shown = [f"`{value}`" for value in values]
                if any(text not in field["description"] for text in shown):
                    field["description"] += f" Known values: {', '.join(shown)}."
                field["description"] += " A later version may add values."
                field["x-extensible-enum"] = values


def replace_one_of(part: dict[str, Any]) -> dict[str, Any]:
    """Make a union `anyOf`, or else its only type.

    - A value may match two of its schemas: validators, such as that of Schemathesis, reject it.
      A union with a name has alternatives of which one matches, and stays: openapi-generator would
      make one class of them.
    - A value that may be null gets two types: openapi-generator mixes up fields whose schemas have
      the same alternatives, and loses their formats.
    """
    if "title" in part:
        return part
    alternatives: list[dict[str, Any]] = part.pop("oneOf", [])
    types = [alternative for alternative in alternatives if alternative != {"type": "null"}]
    if len(types) == 1 < len(alternatives) and "type" in types[0]:
        return part | types[0] | {"type": [types[0]["type"], "null"]}
    if len(alternatives) == 1:
        return part | alternatives[0] | part  # a field is described more exactly than its type
    return part | {"anyOf": alternatives} if alternatives else part
