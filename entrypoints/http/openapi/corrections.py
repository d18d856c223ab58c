"""Where Litestar's description is not exact, or generators of clients do not understand it.

What an operation has of its own stands at its route: see `operations.py`.
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


def forbid_unknown_fields(
    schemas: Mapping[str, Any], bodies: Iterable[type[msgspec.Struct]]
) -> None:
    """Say which objects may have no other fields: Litestar does not say it of a Struct.

    Args:
        schemas: The schemas by name.
        bodies: The bodies of requests, with the fields of features.
    """
    for body in bodies:
        for struct in _find_structs(msgspec.inspect.type_info(body)):
            if struct.forbid_unknown_fields:
                # Of an extension, two may have one name: these are not corrected.
                schema = schemas.get(component_name(struct.cls), {})
                schema["additionalProperties"] = False


def _find_structs(info: Type) -> Iterator[StructType]:
    match info:
        case Metadata(type=annotated):
            yield from _find_structs(annotated)
        case UnionType(types=types):
            for alternative in types:
                yield from _find_structs(alternative)
        case StructType(fields=fields):
            yield info
            for field in fields:
                yield from _find_structs(field.type)


def add_combinations(
    schemas: Mapping[str, dict[str, Any]], bodies: Mapping[str, type[msgspec.Struct]]
) -> None:
    """Say which fields of a body are sent together.

    Generators of clients would make a class of each alternative, but they do not read conditions.
    """
    for name, body in bodies.items():
        if name in schemas and (combinations := getattr(body, "combinations", ())):
            # Redocly would not allow other fields in them.
            alternatives = [{**schema, "additionalProperties": True} for schema in combinations]
            schemas[name] |= {"if": {"anyOf": alternatives}, "else": {"not": {}}}


def require_fields_of_responses(
    schemas: Mapping[str, Any], bodies: Mapping[str, type[msgspec.Struct]]
) -> None:
    """Require all fields of responses, except those that a response may omit.

    Litestar requires no field with a default, because a request may omit it. It shows each default
    but that of a field that msgspec may omit.
    """
    for name, schema in schemas.items():
        if name not in bodies and "properties" in schema:
            always = (key for key, field in schema["properties"].items() if "default" in field)
            schema["required"] = sorted({*schema.get("required", ()), *always})


def open_enums(schemas: Mapping[str, Any], bodies: Iterable[type[msgspec.Struct]]) -> None:
    """Let a later version add values to responses: their enumerations become texts.

    Clients that are generated from an enumeration reject a response with another value.

    Args:
        schemas: The schemas by name.
        bodies: The bodies of requests, whose enumerations stay.
    """
    sent = {
        component_name(struct.cls)
        for body in bodies
        for struct in _find_structs(msgspec.inspect.type_info(body))
    }
    for name in schemas.keys() - sent:
        for field in schemas[name].get("properties", {}).values():
            if "enum" in field:
                values = [value for value in field.pop("enum") if value is not None]
                shown = [f"`{value}`" for value in values]
                if any(text not in field["description"] for text in shown):
                    field["description"] += f" Known values: {', '.join(shown)}."
                field["description"] += " A later version may add values."
                field["x-extensible-enum"] = values


def declare_security(operation: dict[str, Any]) -> None:
    """Say of a public operation that it is public: Litestar omits an empty list."""
    operation.setdefault("security", [])


def remove_parameter_error(operation: dict[str, Any]) -> None:
    """Remove Litestar's error of invalid parameters: the service never responds with it."""
    operation["responses"].pop("400", None)


def remove_content_of_204(operation: dict[str, Any]) -> None:
    """Remove the `null` that Litestar shows as the body of a `Response[None]`."""
    operation["responses"].get("204", {}).pop("content", None)


def replace_one_of(part: dict[str, Any]) -> dict[str, Any]:
    """Make a union `anyOf`, because a value may match two of its schemas, or else its only type.

    A value that may be null gets two types instead: openapi-generator mixes up fields whose schemas
    have the same alternatives, and loses their formats.
    """
    alternatives: list[dict[str, Any]] = part.pop("oneOf", [])
    types = [alternative for alternative in alternatives if alternative != {"type": "null"}]
    if len(types) == 1 < len(alternatives) and "type" in types[0]:
        return part | types[0] | {"type": [types[0]["type"], "null"]}
    if len(alternatives) == 1:
        return part | alternatives[0] | part  # a field is described more exactly than its type
    return part | {"anyOf": alternatives} if alternatives else part
