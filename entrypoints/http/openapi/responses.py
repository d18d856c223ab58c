"""Error responses in the OpenAPI description, made from the error table."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from litestar.handlers import HTTPRouteHandler

from application.administration.acts import Act
from domain import errors
from domain.administration.act_limits import LIMITS_OF_ACTS
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.core_errors import CORE_ERRORS
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.fields import InvalidFieldsError, ServiceError
from entrypoints.http.errors.table import INVALID_CODE, ApiError, ErrorTable
from entrypoints.http.openapi.operations import headers_of
from entrypoints.http.requests.auth import limit_by_ip
from entrypoints.http.requests.parsing import (
    body_type,
    has_strict_parameters,
    missing_field,
    query_parameters,
    repeated_field,
    unknown_parameter,
)
from entrypoints.http.responses.errors import UNAVAILABLE_ERROR

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
_ALWAYS: Final[Sequence[DocumentedError]] = (
    exceptions.InvalidHost,
    exceptions.InvalidAuthorization,
    exceptions.MethodNotAllowed,
    exceptions.InternalError,
    exceptions.UnsupportedTransferEncoding,
)


class ErrorResponses:
    """The error responses of operations, from the table that answers with them.

    An operation has the errors that its handler lists in `errors`, and those that follow from its
    token, limits, parameters, body and act. Features may add errors that come with others, but not
    with `has_own_errors_only`.

    `codes` are those in the responses of the main API, without those of fields.
    """

    def __init__(self, table: ErrorTable, additions: Sequence[HttpAdditions]) -> None:
        self.codes: set[str] = set()
        self.shared: dict[str, Any] = {}
        self._table = table
        self._related = [pair for addition in additions for pair in addition.related_errors.items()]

    def describe(
        self, handler: HTTPRouteHandler, path: str, *, needs_token: bool
    ) -> dict[str, Any]:
        table = self._table.of_path(path)
        by_status: dict[str, list[ApiError]] = {}
        listed = [*_list_errors(handler, path, needs_token=needs_token)]
        if table.schema is None and not handler.opt.get("has_own_errors_only"):
            listed += [each for base, added in self._related if base in listed for each in added]
        for example in map(self._make_example, listed):
            by_status.setdefault(str(table.status(example)), []).append(example)
            if table.schema is None:
                self.codes |= {table.code(example)} - {INVALID_CODE}
        return {
            status: self._share(
                table.name + "Or".join(dict.fromkeys(map(_name, examples))),
                _render(table, status, examples),
            )
            for status, examples in by_status.items()
        }

    def _share(self, name: str, response: dict[str, Any]) -> dict[str, Any]:
        """Make a response a component: most operations have the same ones."""
        # Responses that differ in a message only have one name: the first one keeps it.
        is_shared = self.shared.setdefault(name, response) == response
        return {"$ref": f"#/components/responses/{name}"} if is_shared else response

    def _make_example(self, error: DocumentedError) -> ApiError:
        if isinstance(error, exceptions.FieldError):
            return exceptions.InvalidFields(error)
        row = self._table.find_row(error)
        return row.example() if row and row.example else error()


def _render(table: ErrorTable, status: str, examples: Sequence[ApiError]) -> dict[str, Any]:
    codes = [table.row(example).code for example in examples]
    named = {
        f"{number}-{code}": {"summary": code, "value": _example_body(table, example)}
        for number, (code, example) in enumerate(zip(codes, examples, strict=True), 1)
    }
    schemas = sorted({_schema_of(table, example).__name__ for example in examples})
    alternatives = [{"$ref": f"#/components/schemas/{name}"} for name in schemas]
    # openapi-generator would make a class for each operation, by a name that it invents.
    union = {"anyOf": alternatives, "title": "Or".join(schemas)}
    content = {"schema": union if len(schemas) > 1 else alternatives[0], "examples": named}
    texts = [_summarize(table, example, is_only=len(examples) == 1) for example in examples]
    return {
        "description": " ".join(dict.fromkeys(texts)),
        "content": {"application/json": content},
        "headers": headers_of(status),
    }


def _summarize(table: ErrorTable, example: ApiError, *, is_only: bool) -> str:
    row = table.row(example)
    message = f"{row.message.removesuffix('.')}."
    if table.schema:
        return message
    # The message of a shared error is in the description of the whole API.
    is_known = type(example) in SHARED_ERRORS and not is_only
    return f"`{row.code}`." if is_known else f"`{row.code}`: {message}"


def _example_body(table: ErrorTable, example: ApiError) -> dict[str, Any]:
    body = dict(table.body(example))
    if _schema_of(table, example) is ServiceError:
        body.pop("field_errors", None)  # only one schema has it, so that typed clients narrow
    return body


def _schema_of(table: ErrorTable, example: ApiError) -> type[msgspec.Struct]:
    main = InvalidFieldsError if table.code(example) == INVALID_CODE else ServiceError
    return table.schema or main


def render_shared_errors() -> str:
    """Render the shared errors as a table in Markdown, sorted by status."""
    rows = sorted((CORE_ERRORS[error] for error in SHARED_ERRORS), key=lambda row: row.status)
    lines = [f"| {row.status} | `{row.code}` | {row.message} |" for row in rows]
    # Markdown would take <token> as HTML.
    return "\n".join(["| status | `code` | message |", "|---|---|---|", *lines]).replace("<", "\\<")


def _list_errors(
    handler: HTTPRouteHandler, path: str, *, needs_token: bool
) -> Iterator[DocumentedError]:
    if needs_token:
        yield errors.Unauthenticated
    if needs_token or limit_by_ip in handler.resolve_guards():
        yield errors.TooManyRequests
    if "GET" not in handler.http_methods:
        yield exceptions.OriginNotAllowed
    body = body_type(handler)
    if body is not None:
        required = [field.encode_name for field in msgspec.structs.fields(body) if field.required]
        yield from map(missing_field, required[:1])
        yield from _BODY_ERRORS
    parameters = query_parameters(handler)
    yield from map(repeated_field, parameters[:1])
    if has_strict_parameters(handler, path):
        yield unknown_parameter("misspelled", parameters)
    yield from handler.opt.get("errors", ())
    act: Act | None = handler.opt.get("act")
    if act is not None and act.needs_fresh_login:
        yield errors.FreshLoginRequired
    if act is not None and LIMITS_OF_ACTS[act.action] is not None:
        yield errors.TooManyActs
    if unavailable := handler.opt.get(UNAVAILABLE_ERROR, errors.Unavailable):
        yield from (unavailable, exceptions.Overloaded)
    yield from _ALWAYS


def _name(example: ApiError) -> str:
    if isinstance(example, exceptions.InvalidFields):
        return f"Invalid{example.field_errors[0].field.title().replace('_', '')}"
    return type(example).__name__
