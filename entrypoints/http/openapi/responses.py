"""Error responses in the OpenAPI description, made from the error table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar.handlers import HTTPRouteHandler

from domain import errors
from domain.administration.service_token import Scope
from entrypoints.http.auth import BEARER, UNAVAILABLE_ERROR, limit_by_ip
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.table import (
    ERRORS,
    INVALID_CODE,
    Api,
    ApiError,
    error_body,
    error_status,
    has_response,
)
from entrypoints.http.fields import UserIdField, UsernameField, described
from entrypoints.http.parsing import body_type, missing_field, query_parameters, repeated_field

DocumentedError: TypeAlias = type[ApiError] | exceptions.FieldError
"""A class of errors, or an example of a field that is invalid."""


class InvalidFieldsError(msgspec.Struct):
    """Invalid fields; `body` stands for the body as a whole."""

    errors: Annotated[
        dict[str, list[str]],
        described(
            "Messages for each field; `body` stands for the body as a whole.",
            {"phone": ["This field is required."]},
        ),
    ]
    code: Annotated[
        str, described("Tells this error from all others.", INVALID_CODE, const=INVALID_CODE)
    ]
    field_errors: Annotated[
        list[exceptions.FieldError], described("The same messages, each with a code of its own.")
    ]


class AttestationChallengeBody(msgspec.Struct):
    """What a client needs for a proof of one kind. Each kind has one of the other fields."""

    type: Annotated[
        str,
        described(
            "The kind of proof: `altcha` (proof of work), `siteverify` (Turnstile, hCaptcha or"
            " reCAPTCHA, as the developers of the app know), or one of the operator's own.",
            "altcha",
        ),
    ]
    site_key: Annotated[
        str | msgspec.UnsetType, described("The site key, for the widget.", "0x4AAAAAAADnPID")
    ] = msgspec.UNSET
    challenge: Annotated[
        dict[str, Any] | msgspec.UnsetType,
        described(
            "What the ALTCHA widget takes as `challenge`. It is valid for five minutes.",
            {
                "parameters": {
                    "algorithm": "PBKDF2/SHA-256",
                    "cost": 1000,
                    "keyLength": 32,
                    "keyPrefix": "428ffc45fec33e7db496ed00c4ac1da4",
                    "nonce": "3a516ee285e9bcb445a5cdcdb353915c",
                    "salt": "ecdea814f5bbe4e8b3ced3ed1ae9307e",
                    "keySignature": "e80d9b0ccb09f86e5b7fd1ca6dfd04ce",
                    "expiresAt": 1795708119,
                    "data": {"difficulty": 3000},
                },
                "signature": "41b1de88668290cdb10552f47220bc21",
            },
        ),
    ] = msgspec.UNSET


class ErrorFields(msgspec.Struct):
    """All fields of errors of the main API. Each error has the first two and some of the others."""

    error: exceptions.MessageField
    code: Annotated[str, described("A stable code for programs.")]
    retry_after: Annotated[int, described("Seconds to wait, as in the header Retry-After.", 5)]
    resend_in: Annotated[
        int,
        described(
            "Seconds until a new code can be requested. Without a valid `request_id` or"
            " `device_token` of the phone it is the usual time, which may be too short.",
            15,
        ),
    ]
    attestation: Annotated[
        list[AttestationChallengeBody],
        described("The kinds of proof that the service accepts. Send one of them."),
    ]
    field: Annotated[
        str, described("The field with the code.", "otp", enum=["otp", "old_otp", "undo_code"])
    ]
    attempts_left: Annotated[
        int,
        described(
            "The number of attempts that are left with this code. Absent for `undo_code`.", 4
        ),
    ]
    details: Annotated[
        str, described("What failed.", "The media store does not respond. Try again shortly.")
    ]
    detected: Annotated[str, described("The media type of the bytes.", "application/pdf")]
    user_id: UserIdField
    username: UsernameField
    field_errors: Annotated[
        list[exceptions.FieldError], described("The field, with the same code and message.")
    ]
    reason: Annotated[
        str,
        described(
            "Why the image is invalid.", "too_many_pixels", enum=[*errors.InvalidImageReason]
        ),
    ]
    limit: Annotated[
        int,
        described(
            "The number of blocks, bytes, frames or pixels that an image can have."
            " Absent for `broken`, `empty` and `too_complex`.",
            50_000_000,
        ),
    ]
    scope: Annotated[str, described("The scope that is missing.", "users:read", enum=[*Scope])]
    used_bytes: Annotated[int, described("With uploads under way.", 4999990000)]
    allowed_bytes: Annotated[int, described("The quota.", 5000000000)]
    used_items: Annotated[int, described("With uploads under way.", 1200)]
    allowed_items: Annotated[int, described("The quota.", 10000)]


class LegacyError(msgspec.Struct):
    """An error of the legacy API."""

    error: Annotated[
        str,
        described(
            "Begins with a text that is fixed for each kind of error.",
            "ARE YOU LOST :: 404 Not Found: There is nothing at this path.",
        ),
    ]
    exit_code: Annotated[int, described("1, 4 or 5.", 1)]
    message: Annotated[str, described("Always `failed`.", "failed")]
    status_code: Annotated[int, described("The HTTP status.", 404)]


SHARED_ERRORS: Final[tuple[type[ApiError], ...]] = (
    exceptions.InvalidHost,
    exceptions.InvalidAuthorization,
    exceptions.UnsupportedTransferEncoding,
    errors.Unauthenticated,
    exceptions.OriginNotAllowed,
    exceptions.MethodNotAllowed,
    exceptions.RequestTimeout,
    exceptions.BodyTooLarge,
    exceptions.UnsupportedMediaType,
    errors.TooManyRequests,
    exceptions.InternalError,
    errors.Unavailable,
)
"""Errors that most operations have, described once. They are not about one operation."""

_BODY_ERRORS: Final[Sequence[DocumentedError]] = (
    exceptions.FieldError("body", FieldErrorCode.INVALID_JSON, "The body is not valid JSON."),
    exceptions.BodyTooLarge,
    exceptions.UnsupportedMediaType,
    exceptions.UnsupportedContentEncoding,
    exceptions.RequestTimeout,
)


def errors_of(
    handler: HTTPRouteHandler, security: Sequence[Mapping[str, Any]]
) -> Sequence[DocumentedError]:
    """Return the errors that a handler lists in `errors`, and those that follow from the rest.

    - An access token or a limit brings the errors of these.
    - Pages of other origins may not change anything.
    - A JSON body may be malformed, or have no value for a field that is required.
    - A query parameter may be sent twice.
    - The database may fail, unless `UNAVAILABLE_ERROR` is None. It may name another error.
    """
    first: list[DocumentedError] = []
    if BEARER[0] in security:
        first.append(errors.Unauthenticated)
    if first or limit_by_ip in handler.resolve_guards():
        first.append(errors.TooManyRequests)
    if "GET" not in handler.http_methods:
        first.append(exceptions.OriginNotAllowed)
    if body := body_type(handler):
        required = [field.encode_name for field in msgspec.structs.fields(body) if field.required]
        first += [*map(missing_field, required[:1]), *_BODY_ERRORS]
    first += [repeated_field(name) for name in query_parameters(handler)[:1]]
    unavailable = handler.opt.get(UNAVAILABLE_ERROR, errors.Unavailable)
    return (
        *first,
        *handler.opt.get("errors", ()),
        *([unavailable] if unavailable else ()),
        exceptions.InvalidHost,
        exceptions.InvalidAuthorization,
        exceptions.MethodNotAllowed,
        exceptions.InternalError,
        exceptions.UnsupportedTransferEncoding,
    )


def describe_errors(
    api: Api, documented: Iterable[DocumentedError]
) -> Mapping[str, tuple[dict[str, Any], str | None]]:
    """Return the response of each status, and its name in the components if it is shared."""
    by_status: dict[str, list[ApiError]] = {}
    for error in documented:
        example = _make_example(error)
        by_status.setdefault(str(error_status(example, api)), []).append(example)
    return {
        status: (_describe(api, examples), _shared_name(api, examples))
        for status, examples in by_status.items()
    }


def render_shared_errors() -> str:
    """Render the shared errors as a table in Markdown, sorted by status."""
    rows = sorted((ERRORS[error] for error in SHARED_ERRORS), key=lambda row: row.status)
    lines = [f"| {row.status} | `{row.code}` | {row.message} |" for row in rows]
    # Markdown would take <token> as HTML.
    return "\n".join(["| status | `code` | message |", "|---|---|---|", *lines]).replace("<", "\\<")


def add_error_schemas(schemas: dict[str, Any]) -> None:
    """Add a schema for each code of the main API, with the fields that its errors have."""
    fields = schemas.pop(ErrorFields.__name__)["properties"]
    for error, row in ERRORS.items():
        name = _schema_name(error, Api.MAIN)
        if name in schemas:
            continue
        required = error_body(_make_example(error), Api.MAIN).keys() - row.optional
        own = fields | {
            "error": {**fields["error"], "examples": [row.message]},
            "code": {**fields["code"], "enum": [row.code], "examples": [row.code]},
        }
        schemas[name] = {
            "properties": {
                field: own[field] for field in fields if field in required | row.optional
            },
            "type": "object",
            "required": sorted(required),
            "title": name,
            "description": row.message,
        }


def _make_example(error: DocumentedError) -> ApiError:
    if isinstance(error, exceptions.FieldError):
        return exceptions.InvalidFields(error)
    return ERRORS[error].example or error()


def _shared_name(api: Api, examples: Sequence[ApiError]) -> str | None:
    if any(type(example) not in SHARED_ERRORS for example in examples):
        return None
    names = "Or".join(type(example).__name__ for example in examples)
    return f"{'Legacy' if api is Api.LEGACY else ''}{names}"


def _describe(api: Api, examples: Sequence[ApiError]) -> dict[str, Any]:
    named = {
        f"{number}-{ERRORS[type(example)].code}": {
            "summary": ERRORS[type(example)].code,
            "value": error_body(example, api),
        }
        for number, example in enumerate(examples, 1)
    }
    # A client finds out by the code which one it is.
    names = dict.fromkeys(_schema_name(type(example), api) for example in examples)
    alternatives = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema: dict[str, Any] = {"anyOf": alternatives}
    if len(alternatives) == 1:
        schema = dict(alternatives[0])
    elif name := _shared_name(api, examples):
        schema["title"] = name  # generators of clients would invent a name
    return {
        "description": _description(api, examples),
        "content": {"application/json": {"schema": schema, "examples": named}},
    }


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


def _schema_name(error: type[ApiError], api: Api) -> str:
    if api is Api.LEGACY:
        return LegacyError.__name__
    if not has_response(error):
        return InvalidFieldsError.__name__
    row = ERRORS[error]
    # The same code can come with details and without.
    suffix = "DetailedError" if row.details and row.status == 500 else "Error"
    return row.code.title().replace("_", "").removesuffix("Error") + suffix
