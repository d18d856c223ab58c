"""Field types, parameter schemas and formats that several features share."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from litestar.params import PathParameter, QueryParameter
from msgspec import Meta

from domain import phone
from domain.identities.username import MAX_USERNAME_INPUT_LENGTH

ID_PATTERN: Final = "^[0-9a-fA-F]{24}$"
ID_DESCRIPTION: Final = "24 hex digits."
USER_ID_EXAMPLE: Final = "6561a2b0c3d4e5f60718293a"
ITEM_ID_EXAMPLE: Final = "6561a2b1c3d4e5f60718293b"
BINARY: Final = {"type": "string", "format": "binary"}
"""OpenAPI 3.1 has no such format, but generators of clients rely on it."""


def described(description: str, *examples: Any, **schema: Any) -> Meta:
    """Describe a field.

    Only its type is checked. A parser of ours checks the rest, so that the error message is ours.

    Args:
        description: The description for the API's users.
        examples: Valid values.
        schema: JSON Schema keywords in snake case, such as `max_length`.
    """
    return Meta(
        description=description, examples=list(examples), extra_json_schema={"extra": schema}
    )


def time_field(description: str, example: str = "2026-05-01T09:30:00.000Z") -> Meta:
    """Describe a time as `format_timestamp` returns it."""
    return described(description, example, format="date-time")


def path_parameter(description: str, **schema: Any) -> PathParameter:
    """Describe a part of the path. `schema` is as in `described`."""
    return PathParameter(description=description, schema_extra=parameter_schema(**schema))


def query_parameter(description: str, *, name: str | None = None, **schema: Any) -> QueryParameter:
    """Describe a parameter of the query. It has the name of the argument, or `name`."""
    return QueryParameter(
        name=name, description=description, schema_extra=parameter_schema(**schema)
    )


def parameter_schema(**schema: Any) -> dict[str, Any]:
    """Return the JSON Schema of a parameter; Litestar would add `null` to an optional one."""
    return {"one_of": None, "type": "string", **schema}


def binary_content(*media_types: str) -> dict[str, Any]:
    """Describe the content of a response of bytes.

    Some generators of clients drop a response unless it also has the general type.
    """
    return {
        media_type: {"schema": BINARY} for media_type in (*media_types, "application/octet-stream")
    }


def header(description: str, example: str | int) -> dict[str, Any]:
    """Describe a header of a response."""
    return {
        "description": description,
        "required": True,
        "schema": {
            "type": "integer" if isinstance(example, int) else "string",
            "examples": [example],
        },
    }


def format_timestamp(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC with `Z`, truncated to milliseconds.

    Dart's DateTime.parse and JavaScript's Date can both parse it.
    """
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


PhoneField = Annotated[
    str,
    described(
        "A phone number as people write it, or as a `tel:` URI. A number without + is read in the"
        " default region of the service.",
        "+14155552671",
        format="phone",
        max_length=phone.MAX_PHONE_INPUT_LENGTH,
    ),
]
IdParameter = Annotated[str, path_parameter(ID_DESCRIPTION, pattern=ID_PATTERN)]
UserIdField = Annotated[str, described(ID_DESCRIPTION, USER_ID_EXAMPLE)]
EXTERNAL_ID_DESCRIPTION: Final = (
    "What another system calls the user: 1 to 128 printable ASCII characters, without a space at"
    " the ends. No two users have the same one."
)
EXTERNAL_ID_EXAMPLE: Final = "auth0|5f7c8ec7c33c6c004bbafe82"
CreatedAtField = Annotated[str, time_field("The time of the creation, in UTC.")]
UsernameField = Annotated[
    str,
    described(
        "1 to 64 characters. Spaces at the ends are removed, inner spaces are collapsed. Spellings"
        " that differ in capitals or in the form of letters are the same name, and a name that"
        " looks like that of an administrator is in use. Letters of scripts that are not written"
        " together, and names that claim a role, are invalid. The caller's own username is always"
        " valid.",
        "Rahul Sharma",
        # The limits hold for the composed form (NFC), which a pattern cannot describe.
        format="username",
        max_length=MAX_USERNAME_INPUT_LENGTH,
    ),
]
AccessTokenField = Annotated[
    str,
    described(
        "Send it as `Authorization: Bearer <token>`.",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI2NTYxYTJiMCJ9.c2lnbmF0dXJl",
    ),
]
RefreshTokenField = Annotated[
    str,
    described(
        "Exchange it for the next pair of tokens. It can be used once; later reuse"
        " ends its session.",
        "ZWGisMPU5fYHGCk6AAECAwQFBgcICQoLDA0ODwAAAAEAAQIDBAUGBwgJCgsMDQ4P",
    ),
]
TokenTypeField = Annotated[str, described("Always `Bearer`.", "Bearer")]
ExpiresInField = Annotated[
    int, described("Seconds until the access token expires; earlier if its session ends.", 900)
]
RefreshExpiresInField = Annotated[
    int,
    described("Seconds until the refresh token expires. The next one has its full life.", 7776000),
]
