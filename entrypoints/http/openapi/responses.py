"""Error responses in the OpenAPI description, made from the error table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta

from domain import errors
from domain.errors import InvalidImageReason
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import (
    ERROR_CODES,
    ERRORS,
    INVALID_CODE,
    Api,
    ApiError,
    error_body,
    error_status,
    has_response,
)
from entrypoints.http.fields import UserIdField, parsed_field
from entrypoints.http.users.schemas import UsernameField

DocumentedError: TypeAlias = type[ApiError] | ApiError
"""An error class, or an instance that is the example of its class."""

MessageField = Annotated[
    str, Meta(description="A message for people.", examples=["User not found"])
]
CodeField = Annotated[
    str, parsed_field("A stable code for programs.", "user_not_found", enum=list(ERROR_CODES))
]


class Error(msgspec.Struct):
    """An error of the main API."""

    error: MessageField
    code: CodeField


class RetryableError(Error):
    """An error after which the client may repeat the request."""

    retry_after: Annotated[
        int, Meta(description="Seconds to wait, as in the header Retry-After.", examples=[5])
    ]


class TooManyAttemptsError(RetryableError):
    """No code is checked now."""

    resend_in: Annotated[
        int,
        Meta(
            description="Seconds until a new code can be requested. Without a valid `request_id` or"
            " `device_token` of the phone it is the usual time, which may be too short.",
            examples=[15],
        ),
    ]


class DetailedError(Error):
    """An error with a second message."""

    details: Annotated[
        str,
        Meta(
            description="What failed.",
            examples=["The database did not save the item. Try again shortly."],
        ),
    ]


class UnavailableError(RetryableError):
    """A part of the service does not respond."""

    details: Annotated[
        str | msgspec.UnsetType,
        Meta(
            description="What does not respond, if it is known.",
            examples=["The media store does not respond. Try again shortly."],
        ),
    ] = msgspec.UNSET


class UnsupportedImageTypeError(Error):
    """The file is not an image of an accepted format."""

    detected: Annotated[
        str, Meta(description="The media type of the bytes.", examples=["application/pdf"])
    ]


class PhoneInUseError(Error):
    """The number has a user; the ids are present when it is the caller's own user."""

    user_id: UserIdField | msgspec.UnsetType = msgspec.UNSET
    username: UsernameField | msgspec.UnsetType = msgspec.UNSET


class FieldError(msgspec.Struct):
    """One message of an invalid field."""

    field: Annotated[str, Meta(description="The name of the field.", examples=["phone"])]
    code: Annotated[
        str,
        parsed_field(
            "A stable code for programs.", "country_not_served", enum=[*map(str, FieldErrorCode)]
        ),
    ]
    message: MessageField


class FieldErrors(msgspec.Struct):
    """Invalid fields; `body` stands for the body as a whole."""

    errors: Annotated[
        dict[str, list[str]],
        Meta(
            description="Messages for each field; `body` stands for the body as a whole.",
            examples=[{"phone": ["This field is required."]}],
        ),
    ]
    code: Annotated[
        str, parsed_field("Tells this error from all others.", INVALID_CODE, const=INVALID_CODE)
    ]
    field_errors: Annotated[
        list[FieldError], Meta(description="The same messages, each with a code of its own.")
    ]


class FieldErrorsError(Error):
    """An error of one field that also has a message and a code of its own."""

    field_errors: Annotated[
        list[FieldError], Meta(description="The field, with the same code and message.")
    ]


class InvalidImageError(Error):
    """The image is broken or exceeds a limit."""

    reason: Annotated[
        str,
        parsed_field(
            "Why the image is invalid.", "too_many_pixels", enum=[*map(str, InvalidImageReason)]
        ),
    ]
    limit: Annotated[
        int | msgspec.UnsetType,
        Meta(
            description="The number of blocks, bytes, frames or pixels that an image can have."
            " Absent for `broken` and `too_complex`.",
            examples=[50_000_000],
        ),
    ] = msgspec.UNSET


class QuotaExceededError(Error):
    """The library of the user is full."""

    used_bytes: Annotated[int, Meta(description="With uploads under way.", examples=[4999990000])]
    allowed_bytes: Annotated[int, Meta(description="The quota.", examples=[5000000000])]
    used_items: Annotated[int, Meta(description="With uploads under way.", examples=[1200])]
    allowed_items: Annotated[int, Meta(description="The quota.", examples=[10000])]


class LegacyError(msgspec.Struct):
    """An error of the legacy API."""

    error: Annotated[
        str,
        Meta(
            description="Begins with a text that is fixed for each kind of error.",
            examples=["ARE YOU LOST :: 404 Not Found: There is nothing at this path."],
        ),
    ]
    exit_code: Annotated[int, Meta(description="1, 4 or 5.", examples=[1])]
    message: Annotated[str, Meta(description="Always `failed`.", examples=["failed"])]
    status_code: Annotated[int, Meta(description="The HTTP status.", examples=[404])]


SHARED_ERRORS: Final[tuple[type[ApiError], ...]] = (
    exceptions.InvalidHost,
    errors.Unauthenticated,
    exceptions.OriginNotAllowed,
    exceptions.MethodNotAllowed,
    exceptions.RequestTimeout,
    exceptions.BodyTooLarge,
    exceptions.UnsupportedMediaType,
    exceptions.TooManyRequests,
    exceptions.InternalError,
    errors.Unavailable,
)
"""Errors that most operations have, described once. They are not about one operation."""


@dataclass
class ErrorResponse(ResponseSpec):
    """The errors of an operation that have the same status.

    - `content` is their description, which lists all codes, with an example for each error.
    - `shared_name` is the name of the response in the components, if it is shared.
    """

    content: Mapping[str, Any] = field(default_factory=dict)
    shared_name: str | None = None


def body_errors(example: exceptions.FieldError) -> tuple[DocumentedError, ...]:
    """Return the errors of every operation with a JSON body."""
    return (
        exceptions.InvalidFields(example),
        exceptions.InvalidBody(FieldErrorCode.INVALID_JSON, "The body is not valid JSON."),
        exceptions.BodyTooLarge,
        exceptions.UnsupportedMediaType,
        exceptions.OriginNotAllowed,
        exceptions.RequestTimeout,
    )


def error_responses(*documented: DocumentedError) -> Mapping[int, ResponseSpec]:
    """Describe the errors of an operation of the main API."""
    return _describe(Api.MAIN, documented)


def legacy_error_responses(*documented: DocumentedError) -> Mapping[int, ResponseSpec]:
    """Describe the errors of an operation of the legacy API."""
    return _describe(Api.LEGACY, documented)


def render_shared_errors() -> str:
    """Render the shared errors as a table in Markdown, sorted by status."""
    rows = sorted((ERRORS[error] for error in SHARED_ERRORS), key=lambda row: row.status)
    lines = [f"| {row.status} | `{row.code}` | {row.message} |" for row in rows]
    # Markdown would take <token> as HTML.
    return "\n".join(["| status | `code` | message |", "|---|---|---|", *lines]).replace("<", "\\<")


def add_error_schemas(schemas: dict[str, Any]) -> None:
    """Add a schema for each code of the main API: that of its error, with this code only."""
    added: set[str] = set()
    for error, row in ERRORS.items():
        name, base = _variant_name(error), schemas[_main_schema(error).__name__]
        if not has_response(error) or name in added:
            continue
        added.add(name)
        message = {**base["properties"]["error"], "examples": [row.message]}
        code = {
            "type": "string",
            "description": base["properties"]["code"]["description"],
            "enum": [row.code],
            "examples": [row.code],
        }
        schemas[name] = {
            **base,
            "title": name,
            "description": row.message,
            "properties": {**base["properties"], "error": message, "code": code},
        }


def _describe(api: Api, documented: Sequence[DocumentedError]) -> Mapping[int, ResponseSpec]:
    always = (exceptions.InvalidHost, exceptions.MethodNotAllowed, exceptions.InternalError)
    by_status: dict[int, list[ApiError]] = {}
    for error in (*documented, *always):
        example = _make_example(error) if isinstance(error, type) else error
        by_status.setdefault(error_status(example, api), []).append(example)
    return {
        status: ErrorResponse(
            _schema(api, examples),
            generate_examples=False,
            description=_description(api, examples),
            content=_content(api, examples),
            shared_name=_shared_name(api, examples),
        )
        for status, examples in by_status.items()
    }


def _make_example(error: type[ApiError]) -> ApiError:
    if issubclass(error, errors.TooManyAttempts):
        return error(retry_after=285, resend_in=15)
    if issubclass(error, errors.RateLimitExceeded):
        return error(retry_after=15)
    if issubclass(error, exceptions.FileTooLarge):
        return error(limit=20_000_000)
    if issubclass(error, exceptions.MethodNotAllowed):
        return error(allowed="POST")
    if issubclass(error, errors.PhoneInUse):
        return error("6561a2b0c3d4e5f60718293a", "Rahul Sharma")
    return error()


def _description(api: Api, examples: Sequence[ApiError]) -> str:
    messages: dict[str, None] = {}
    for example in examples:
        row = ERRORS[type(example)]
        message = row.message if row.message.endswith(".") else f"{row.message}."
        if api is Api.MAIN and type(example) in SHARED_ERRORS and len(examples) > 1:
            # Its message is in the description of the whole API.
            message = f"`{row.code}`."
        elif api is Api.MAIN:
            message = f"`{row.code}`: {message}"
        messages[message] = None
    return " ".join(messages)


def _schema(api: Api, examples: Sequence[ApiError]) -> Any:
    if api is Api.LEGACY:
        return LegacyError
    return reduce(or_, (_main_schema(type(example)) for example in examples))


def _content(api: Api, examples: Sequence[ApiError]) -> dict[str, Any]:
    named = {
        f"{number}-{ERRORS[type(example)].code}": {
            "summary": ERRORS[type(example)].code,
            "value": error_body(example, api),
        }
        for number, example in enumerate(examples, 1)
    }
    return {"application/json": {"schema": _schema_with_codes(api, examples), "examples": named}}


def _shared_name(api: Api, examples: Sequence[ApiError]) -> str | None:
    if len(examples) != 1 or type(examples[0]) not in SHARED_ERRORS:
        return None
    return f"{'Legacy' if api is Api.LEGACY else ''}{type(examples[0]).__name__}"


def _schema_with_codes(api: Api, examples: Sequence[ApiError]) -> dict[str, Any]:
    """Return the schema of each code; a client finds out by the code which one it is."""
    if api is Api.LEGACY:
        return _reference(LegacyError.__name__)
    names = dict.fromkeys(_variant_name(type(example)) for example in examples)
    alternatives = [_reference(name) for name in names]
    return alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _variant_name(error: type[ApiError]) -> str:
    schema = _main_schema(error)
    if schema is FieldErrors:
        return FieldErrors.__name__
    words = ERRORS[error].code.title().replace("_", "").removesuffix(Error.__name__)
    return words + (DetailedError if schema is DetailedError else Error).__name__


def _main_schema(error: type[ApiError]) -> type[msgspec.Struct]:
    row = ERRORS[error]
    if error is errors.InvalidImage:
        return InvalidImageError
    if error is errors.QuotaExceeded:
        return QuotaExceededError
    if row.field is not None:
        return FieldErrorsError if row.keeps_error else FieldErrors
    if row.code == INVALID_CODE:
        return FieldErrors
    if error is errors.PhoneInUse:
        return PhoneInUseError
    if error is errors.UnsupportedImageType:
        return UnsupportedImageTypeError
    if row.code == ERRORS[errors.Unavailable].code:
        return UnavailableError
    if issubclass(error, errors.TooManyAttempts):
        return TooManyAttemptsError
    if row.retry_after is not None or issubclass(error, errors.RateLimitExceeded):
        return RetryableError
    return Error if row.details is None else DetailedError
