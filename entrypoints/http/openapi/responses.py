"""Error responses in the OpenAPI description, made from the error table."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from litestar.handlers import HTTPRouteHandler

from application.administration.acts import Act
from domain import errors
from domain.administration.act_limits import LIMITS_OF_ACTS
from entrypoints.http.errors import exceptions
from entrypoints.http.errors.core import CORE_ERRORS
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.errors.fields import InvalidFieldsError, ServiceError
from entrypoints.http.errors.table import INVALID_CODE, ApiError, ErrorTable
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.requests.auth import BEARER, limit_by_ip
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
_NAME: Final = "x-name"
"""The key of the name that a response has as a component."""

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

    An operation has the errors that its handler lists in `errors`, and those that follow from the
    rest:

    - An access token or a limit brings the errors of these.
    - Pages of other origins may not change anything.
    - A JSON body may be malformed, or have no value for a field that is required.
    - A query parameter may be sent twice, or be unknown.
    - The act of an operator may need a fresh login, or be limited.
    - Features may add errors of bodies, and errors that come with others.
    - The database may fail, or too many calls may wait for it, unless `UNAVAILABLE_ERROR` is None.
      It may name another error of a database that fails.

    Attributes:
        codes: The codes in the responses of the main API, without those of fields.
    """

    def __init__(self, table: ErrorTable, plugins: Sequence[ApiPlugin]) -> None:
        self.codes: set[str] = set()
        self._table = table
        self._of_bodies = [pair for plugin in plugins for pair in plugin.body_errors.items()]
        self._related = [pair for plugin in plugins for pair in plugin.related_errors.items()]

    def describe(
        self, handler: HTTPRouteHandler, path: str, security: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return the error responses of a handler by their status."""
        table = self._table.of_path(path)
        by_status: dict[str, list[ApiError]] = {}
        listed = [*_list_errors(handler, path, security, self._of_bodies)]
        related = [error for base, added in self._related if base in listed for error in added]
        for example in map(self._make_example, [*listed, *related]):
            by_status.setdefault(str(table.status(example)), []).append(example)
            if table.schema is None:
                self.codes |= {table.code(example)} - {INVALID_CODE}
        return {status: self._render(table, examples) for status, examples in by_status.items()}

    def _make_example(self, error: DocumentedError) -> ApiError:
        if isinstance(error, exceptions.FieldError):
            return exceptions.InvalidFields(error)
        row = self._table.find_row(error)
        return row.example if row and row.example else error()

    def _render(self, table: ErrorTable, examples: Sequence[ApiError]) -> dict[str, Any]:
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
        return {
            "description": _summarize(table, examples),
            "content": {"application/json": content},
            _NAME: table.name + "Or".join(dict.fromkeys(map(_name, examples))),
        }


def _summarize(table: ErrorTable, examples: Sequence[ApiError]) -> str:
    messages: dict[str, None] = {}
    for example in examples:
        row = table.row(example)
        message = row.message if row.message.endswith(".") else f"{row.message}."
        if table.schema is None and type(example) in SHARED_ERRORS and len(examples) > 1:
            # Its message is in the description of the whole API.
            message = f"`{row.code}`."
        elif table.schema is None:
            message = f"`{row.code}`: {message}"
        messages[message] = None
    return " ".join(messages)


def _example_body(table: ErrorTable, example: ApiError) -> dict[str, Any]:
    body = dict(table.body(example))
    if _schema_of(table, example) is ServiceError:
        body.pop("field_errors", None)  # only one schema has it, so that typed clients narrow
    return body


def _schema_of(table: ErrorTable, example: ApiError) -> type[msgspec.Struct]:
    main = InvalidFieldsError if table.code(example) == INVALID_CODE else ServiceError
    return table.schema or main


def share_responses(operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Replace the errors that occur twice by references; return the responses by their names."""
    found = [
        (operation["responses"], status, json.dumps(response, sort_keys=True))
        for operation in operations
        for status, response in operation["responses"].items()
    ]
    counts = Counter(text for _, _, text in found)
    shared: dict[str, Any] = {}
    for responses, status, text in found:
        name = responses[status].pop(_NAME, None)
        is_repeated = name is not None and counts[text] > 1
        # Responses that differ in a message only have one name: the first one keeps it.
        if is_repeated and shared.setdefault(name, responses[status]) == responses[status]:
            responses[status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def render_shared_errors() -> str:
    """Render the shared errors as a table in Markdown, sorted by status."""
    rows = sorted((CORE_ERRORS[error] for error in SHARED_ERRORS), key=lambda row: row.status)
    lines = [f"| {row.status} | `{row.code}` | {row.message} |" for row in rows]
    # Markdown would take <token> as HTML.
    return "\n".join(["| status | `code` | message |", "|---|---|---|", *lines]).replace("<", "\\<")


def _list_errors(
    handler: HTTPRouteHandler,
    path: str,
    security: Sequence[Mapping[str, Any]],
    of_bodies: Iterable[tuple[type[msgspec.Struct], Sequence[type[ApiError]]]],
) -> Iterator[DocumentedError]:
    needs_token = BEARER[0] in security
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
    for struct, added in of_bodies:
        if body and issubclass(body, struct):
            yield from added
    if unavailable := handler.opt.get(UNAVAILABLE_ERROR, errors.Unavailable):
        yield from (unavailable, exceptions.Overloaded)
    yield from _ALWAYS


def _name(example: ApiError) -> str:
    if isinstance(example, exceptions.InvalidFields):
        return f"Invalid{example.field_errors[0].field.title().replace('_', '')}"
    return type(example).__name__
