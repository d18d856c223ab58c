"""Error responses in the OpenAPI description, made from the error table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from litestar.handlers import HTTPRouteHandler

from application.administration.acts import Act
from domain import errors
from entrypoints.http.auth import BEARER, limit_by_ip
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.core import CORE_ERRORS
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.fields import InvalidFieldsError, ServiceError
from entrypoints.http.errors.handlers import UNAVAILABLE_ERROR
from entrypoints.http.errors.table import INVALID_CODE, ApiError, ErrorForm, ErrorTable
from entrypoints.http.parsing import (
    body_type,
    has_strict_parameters,
    missing_field,
    query_parameters,
    repeated_field,
    unknown_parameter,
)

DocumentedError: TypeAlias = type[ApiError] | exceptions.FieldError
"""A class of errors, or an example of a field that is invalid."""


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
    exceptions.Overloaded,
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
    handler: HTTPRouteHandler,
    path: str,
    security: Sequence[Mapping[str, Any]],
    body_errors: Iterable[tuple[type[msgspec.Struct], Sequence[type[ApiError]]]] = (),
) -> Sequence[DocumentedError]:
    """Return the errors that a handler lists in `errors`, and those that follow from the rest.

    - An access token or a limit brings the errors of these.
    - Pages of other origins may not change anything.
    - A JSON body may be malformed, or have no value for a field that is required.
    - A query parameter may be sent twice, or be unknown.
    - The act of an operator may need a fresh login, or be limited.
    - Features may add errors of bodies.
    - The database may fail, or too many calls may wait for it, unless `UNAVAILABLE_ERROR` is None.
      It may name another error of a database that fails.
    """
    first: list[DocumentedError] = []
    if BEARER[0] in security:
        first.append(errors.Unauthenticated)
    if first or limit_by_ip in handler.resolve_guards():
        first.append(errors.TooManyRequests)
    if "GET" not in handler.http_methods:
        first.append(exceptions.OriginNotAllowed)
    body = body_type(handler)
    if body is not None:
        required = [field.encode_name for field in msgspec.structs.fields(body) if field.required]
        first += [*map(missing_field, required[:1]), *_BODY_ERRORS]
    parameters = query_parameters(handler)
    first += [repeated_field(name) for name in parameters[:1]]
    if has_strict_parameters(path):
        first.append(unknown_parameter("misspelled", parameters))
    unavailable = handler.opt.get(UNAVAILABLE_ERROR, errors.Unavailable)
    return (
        *first,
        *handler.opt.get("errors", ()),
        *_errors_of_act(handler),
        *(
            error
            for struct, added in body_errors
            if body and issubclass(body, struct)
            for error in added
        ),
        *([unavailable, exceptions.Overloaded] if unavailable else ()),
        exceptions.InvalidHost,
        exceptions.InvalidAuthorization,
        exceptions.MethodNotAllowed,
        exceptions.InternalError,
        exceptions.UnsupportedTransferEncoding,
    )


def with_related(
    documented: Sequence[DocumentedError],
    related: Iterable[tuple[type[ApiError], Sequence[type[ApiError]]]],
) -> Sequence[DocumentedError]:
    """Return these errors, with those that features add to some of them."""
    added = [error for listed, errors in related if listed in documented for error in errors]
    return (*documented, *added)


def _errors_of_act(handler: HTTPRouteHandler) -> Sequence[DocumentedError]:
    act: Act | None = handler.opt.get("act")
    if act is None:
        return []
    fresh: list[DocumentedError] = [errors.FreshLoginRequired] if act.needs_fresh_login else []
    return [*fresh, errors.TooManyActs] if act.is_limited else fresh


def describe_errors(
    table: ErrorTable, form: ErrorForm, documented: Iterable[DocumentedError]
) -> Mapping[str, tuple[dict[str, Any], str | None]]:
    """Return the response of each status, and its name in the components if it is shared."""
    by_status: dict[str, list[ApiError]] = {}
    for error in documented:
        example = _make_example(table, error)
        by_status.setdefault(str(form.status(example)), []).append(example)
    return {
        status: (_describe(table, form, examples), _shared_name(form, examples))
        for status, examples in by_status.items()
    }


def codes_of(table: ErrorTable, form: ErrorForm, documented: Iterable[DocumentedError]) -> set[str]:
    """Return the codes of these errors, without those of fields."""
    examples = [_make_example(table, error) for error in documented if form.schema is None]
    return {table.code(example) for example in examples} - {INVALID_CODE}


def render_shared_errors() -> str:
    """Render the shared errors as a table in Markdown, sorted by status."""
    rows = sorted((CORE_ERRORS[error] for error in SHARED_ERRORS), key=lambda row: row.status)
    lines = [f"| {row.status} | `{row.code}` | {row.message} |" for row in rows]
    # Markdown would take <token> as HTML.
    return "\n".join(["| status | `code` | message |", "|---|---|---|", *lines]).replace("<", "\\<")


def _make_example(table: ErrorTable, error: DocumentedError) -> ApiError:
    if isinstance(error, exceptions.FieldError):
        return exceptions.InvalidFields(error)
    return table.row_of(error).example or error()


def _shared_name(form: ErrorForm, examples: Sequence[ApiError]) -> str | None:
    if any(type(example) not in SHARED_ERRORS for example in examples):
        return None
    names = "Or".join(type(example).__name__ for example in examples)
    return form.name + names


def _describe(table: ErrorTable, form: ErrorForm, examples: Sequence[ApiError]) -> dict[str, Any]:
    named = {
        f"{number}-{table.row(example).code}": {
            "summary": table.row(example).code,
            "value": form.body(example),
        }
        for number, example in enumerate(examples, 1)
    }
    names = dict.fromkeys(_schema_name(table, form, type(example)) for example in examples)
    alternatives = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema: dict[str, Any] = {"anyOf": alternatives}
    if len(alternatives) == 1:
        schema = dict(alternatives[0])
    elif name := _shared_name(form, examples):
        schema["title"] = name  # generators of clients would invent a name
    return {
        "description": _description(table, form, examples),
        "content": {"application/json": {"schema": schema, "examples": named}},
    }


def _description(table: ErrorTable, form: ErrorForm, examples: Sequence[ApiError]) -> str:
    messages: dict[str, None] = {}
    for example in examples:
        row = table.row(example)
        message = row.message if row.message.endswith(".") else f"{row.message}."
        if form.schema is None and type(example) in SHARED_ERRORS and len(examples) > 1:
            # Its message is in the description of the whole API.
            message = f"`{row.code}`."
        elif form.schema is None:
            message = f"`{row.code}`: {message}"
        messages[message] = None
    return " ".join(messages)


def _schema_name(table: ErrorTable, form: ErrorForm, error: type[ApiError]) -> str:
    main = ServiceError if table.has_response(error) else InvalidFieldsError
    return (form.schema or main).__name__
