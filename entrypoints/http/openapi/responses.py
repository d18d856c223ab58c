"""Error responses in the OpenAPI description, made from the error table."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import Meta

from domain import errors
from domain.errors import InvalidImageReason
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import (
    ERRORS,
    Api,
    ApiError,
    error_body,
    error_status,
)
from entrypoints.http.fields import UserIdField, parsed_field
from entrypoints.http.users.schemas import UsernameField

DocumentedError: TypeAlias = type[ApiError] | ApiError
"""An error class, or an instance that is the example of its class."""

MessageField = Annotated[
    str, Meta(description="A message for people.", examples=["User not found"])
]
CodeField = Annotated[
    str, Meta(description="A stable code for programs.", examples=["user_not_found"])
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


class DetailedError(Error):
    """An error with a second message."""

    details: Annotated[
        str,
        Meta(
            description="What failed.",
            examples=["The database did not save the item. Try again shortly."],
        ),
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
    code: Annotated[str, Meta(description="Always `invalid`.", examples=["invalid"])]
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


def _describe(api: Api, documented: Sequence[DocumentedError]) -> Mapping[int, ResponseSpec]:
    by_status: dict[int, list[ApiError]] = {}
    for error in (exceptions.InvalidHost, *documented, exceptions.InternalError):
        example = _make_example(error) if isinstance(error, type) else error
        by_status.setdefault(error_status(example, api), []).append(example)
    return {
        status: ResponseSpec(
            _schema(api, examples),
            description=_description(api, examples),
            examples=[
                Example(summary=ERRORS[type(example)].code, value=error_body(example, api))
                for example in examples
            ],
            generate_examples=False,
        )
        for status, examples in by_status.items()
    }


def _make_example(error: type[ApiError]) -> ApiError:
    if issubclass(error, errors.RateLimitExceeded):
        return error(retry_after=15)
    if issubclass(error, exceptions.FileTooLarge):
        return error(limit=20_000_000)
    if issubclass(error, errors.PhoneInUse):
        return error("6561a2b0c3d4e5f60718293a", "Rahul Sharma")
    return error()


def _description(api: Api, examples: Sequence[ApiError]) -> str:
    messages: dict[str, None] = {}
    for example in examples:
        row = ERRORS[type(example)]
        message = row.message if row.message.endswith(".") else f"{row.message}."
        messages[message if api is Api.LEGACY else f"`{row.code}`: {message}"] = None
    return " ".join(messages)


def _schema(api: Api, examples: Sequence[ApiError]) -> Any:
    if api is Api.LEGACY:
        return LegacyError
    return reduce(or_, (_main_schema(type(example)) for example in examples))


def _main_schema(error: type[ApiError]) -> Any:
    row = ERRORS[error]
    if error is errors.InvalidImage:
        return InvalidImageError
    if row.field is not None:
        return FieldErrorsError if row.keeps_error else FieldErrors
    if row.code == "invalid":
        return FieldErrors
    if error is errors.PhoneInUse:
        return PhoneInUseError
    if row.retry_after is not None or issubclass(error, errors.RateLimitExceeded):
        return RetryableError
    return Error if row.details is None else DetailedError
