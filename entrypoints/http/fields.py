"""Field types, parameter schemas and formats that several features share."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Schema
from msgspec import Meta

from domain import phone

ID_PATTERN: Final = "^[0-9a-fA-F]{24}$"
ID_DESCRIPTION: Final = "24 hex digits."
USER_ID_EXAMPLE: Final = "6561a2b0c3d4e5f60718293a"
ITEM_ID_EXAMPLE: Final = "6561a2b1c3d4e5f60718293b"


def parsed_field(description: str, example: Any, **schema: Any) -> Meta:
    """Describe a field that a parser of ours validates.

    Litestar and msgspec check its type only, so that the error message is ours.

    Args:
        description: The description for the API's users.
        example: A valid value.
        schema: JSON Schema keywords in snake case, such as `max_length`.
    """
    return Meta(examples=[example], extra_json_schema={"description": description, "extra": schema})


def time_field(description: str, example: str = "2026-05-01T09:30:00.000Z") -> Meta:
    """Describe a time as `format_timestamp` returns it."""
    return parsed_field(description, example, format="date-time")


def parameter_schema(**schema: Any) -> dict[str, Any]:
    """Return the JSON Schema of a parameter; Litestar would add `null` to an optional one."""
    return {"one_of": None, **schema}


def binary_content(*media_types: str) -> dict[str, OpenAPIMediaType]:
    """Describe the content of a response of bytes.

    Some generators of clients drop a response unless it also has the general type.
    """
    # OpenAPI 3.1 has no such format, but generators rely on it.
    schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
    return {
        media_type: OpenAPIMediaType(schema=schema)
        for media_type in (*media_types, "application/octet-stream")
    }


def format_timestamp(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC with `Z`, truncated to milliseconds.

    Dart's DateTime.parse and JavaScript's Date can both parse it.
    """
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


PhoneField = Annotated[
    str,
    parsed_field(
        "A phone number as people write it, or as a `tel:` URI. A number without + is read in the"
        " default region of the service.",
        "+14155552671",
        format="phone",
        max_length=phone.MAX_INPUT_LENGTH,
    ),
]
UserIdField = Annotated[str, Meta(description=ID_DESCRIPTION, examples=[USER_ID_EXAMPLE])]
CreatedAtField = Annotated[str, time_field("The time of the creation, in UTC.")]
