"""JSON bodies: read strictly, and every bad field named at once."""

from collections.abc import Generator
from typing import Any, Final, TypeVar

import msgspec
from litestar.dto import AbstractDTO, DTOConfig, DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from domain.errors import InvalidFields
from entrypoints.http.refusals import BodyUnreadable

T = TypeVar("T")

MOST_ERRORS: Final = 20
LONGEST_NAME: Final = 64


def read_json(raw: bytes, body_type: type[T]) -> T:
    """Read a body as a msgspec Struct, of exactly the types that it declares.

    Raises:
        InvalidFields: naming each field that is missing, unknown or of the wrong type; the
            field `body` stands for the whole when it is no JSON object.
    """
    try:
        return msgspec.json.decode(raw, type=body_type)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _explained(raw, body_type) from None


def _explained(raw: bytes, body_type: type[Any]) -> InvalidFields:
    try:
        given = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return BodyUnreadable("This is not JSON.")
    if not isinstance(given, dict):
        return BodyUnreadable("This has to be a JSON object.")
    errors: dict[str, list[str]] = {}
    fields = msgspec.structs.fields(body_type)
    for field in fields:
        if field.encode_name not in given:
            if field.required:
                errors[field.encode_name] = ["This field is required."]
            continue
        try:
            msgspec.convert(given[field.encode_name], field.type)
        except msgspec.ValidationError:
            errors[field.encode_name] = [_expected(field.type)]
    known = {field.encode_name for field in fields}
    for name in [name for name in given if name not in known][:MOST_ERRORS]:
        errors[name[:LONGEST_NAME]] = ["This field is not known here."]
    return InvalidFields(errors)


def _expected(field_type: Any) -> str:
    wanted = msgspec.inspect.type_info(field_type)
    if isinstance(wanted, msgspec.inspect.Metadata):
        wanted = wanted.type
    kinds = wanted.types if isinstance(wanted, msgspec.inspect.UnionType) else (wanted,)
    if any(isinstance(kind, msgspec.inspect.BoolType) for kind in kinds):
        return "This has to be true or false."
    if any(isinstance(kind, msgspec.inspect.StrType) for kind in kinds):
        return "This has to be text."
    return "This is not of the type that it has to have."


class JsonBody(AbstractDTO[T]):
    """Has Litestar read a handler's `data` with `read_json`, and describe it as it is."""

    # Litestar's interface gives these methods more than they need here.
    # ruff: noqa: ARG003

    config = DTOConfig()

    def decode_bytes(self, value: bytes) -> Any:
        """Read the body."""
        return read_json(value, self.model_type)

    @classmethod
    def create_for_field_definition(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,
        backend_cls: Any = None,
    ) -> None:
        """Nothing is to be prepared: the type itself is what is read."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """Describe the type itself."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        """There are none: no other type is made of this one."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """No field is looked into."""
        return False
