"""The schemas of bodies, as msgspec makes them, which also parses the bodies.

Litestar's do not say that a Struct forbids unknown fields, and name no field that is always there.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from inspect import cleandoc
from typing import Any, Final

import msgspec
from litestar.plugins import OpenAPISchemaPlugin

_SCHEMAS: Final = "#/components/schemas/"


class StructNames(OpenAPISchemaPlugin):
    """Lets Litestar name the Structs of operations, and does not let it describe them."""

    def __init__(self) -> None:
        self.structs: dict[str, type[msgspec.Struct]] = {}

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        return isinstance(value, type) and issubclass(value, msgspec.Struct)

    def to_openapi_schema(self, field_definition: Any, schema_creator: Any) -> Any:
        struct = field_definition.annotation
        title = f"{struct.__module__}.{struct.__qualname__}"
        self.structs[title] = struct
        return schema_creator.create_component_schema(
            field_definition, required=[], property_fields={}, title=title
        )


def describe_structs(
    structs: Sequence[type[msgspec.Struct]],
    bodies: Collection[type[msgspec.Struct]],
    fields: Sequence[tuple[type[msgspec.Struct], type[msgspec.Struct]]],
) -> tuple[Mapping[type[msgspec.Struct], str], dict[str, Any]]:
    """Return the names of these Structs, and the schemas of all that is in them, by name.

    `bodies` are those of requests. `fields` are pairs of a Struct, and one with what a feature adds
    to it, or describes better.
    """
    found, schemas = msgspec.json.schema_components(
        [*structs, *(added for _, added in fields)], ref_template=f"{_SCHEMAS}{{name}}"
    )
    names = [reference["$ref"].removeprefix(_SCHEMAS) for reference in found]
    of_structs = dict(zip(names, structs, strict=False))
    for (extended, _), added_name in zip(fields, names[len(structs) :], strict=True):
        added = schemas.pop(added_name)
        inherit = {name for name, struct in of_structs.items() if issubclass(struct, extended)}
        for name in inherit | ({extended.__name__} & schemas.keys()):
            schemas[name]["properties"] |= deepcopy(added["properties"])
            schemas[name]["required"] += added["required"]
    for name, schema in schemas.items():
        # Only requests, and the objects in them, forbid unknown fields.
        is_sent = of_structs.get(name) in bodies or "additionalProperties" in schema
        if text := schema.get("description"):
            schema["description"] = cleandoc(text)
        if "properties" in schema:  # else it is an enumeration
            _correct_fields(schema, is_sent=is_sent)
            schema["required"] = sorted({*schema["required"]})
    return dict(zip(structs, names, strict=False)), schemas


def _correct_fields(schema: dict[str, Any], *, is_sent: bool) -> None:
    """Require the fields that are always there, and let a later version add values.

    - A response has its fields with a default too. All clients would take them for optional ones.
    - A value that may be null gets two types: openapi-generator mixes up fields whose schemas have
      the same alternatives, and loses their formats.
    - A constant has no type: the Python client of openapi-generator takes a boolean one for a text.
    - Enumerations of responses become texts: the Python client of openapi-generator and the checks
      of hey-api reject a response with another value.
    """
    for name, field in schema["properties"].items():
        if "default" in field:
            del field["default"]
            schema["required"] += [] if is_sent else [name]
        match field.get("anyOf"):
            case [{"type": type_, **rules}, {"type": "null"}]:
                del field["anyOf"]
                field.update({**rules, **field, "type": [type_, "null"]})
        if "const" in field:
            del field["type"]
        if "enum" in field and not is_sent:
            describe_values(field, [value for value in field.pop("enum") if value is not None])


def describe_values(field: dict[str, Any], values: Sequence[str]) -> None:
    """List the values of a field in a response, to which a later version may add some."""
    shown = [f"`{value}`" for value in values]
    text = field.get("description", "")
    if any(value not in text for value in shown):
        text += f" Known values: {', '.join(shown)}."
    field["description"] = f"{text} A later version may add values.".lstrip()
    field["x-extensible-enum"] = values
