"""The table from errors to responses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

import msgspec

from application.ports.errors import (
    CorruptRecord,
    ExtensionFailed,
    PortError,
    StorageError,
    StorageOverloaded,
)
from domain.errors import DomainError, Unavailable
from entrypoints.http.errors import exceptions

T = TypeVar("T")
V = TypeVar("V")
ApiError: TypeAlias = DomainError | exceptions.HttpError

INVALID_CODE: Final = "invalid"
"""The code of every response that is only about fields."""
RETRY_AFTER: Final = 5
"""Seconds to wait if the service is to blame and the end is not known.

It is longer than the default timeout of a database: after an overload, all earlier calls have
ended.
"""
PORT_ERRORS: Final[Mapping[type[PortError], type[ApiError]]] = {
    StorageError: Unavailable,
    # Operations with an error of their own for a database that fails do not have it here.
    StorageOverloaded: exceptions.Overloaded,
    # A fault of the service until an operator mends the record, and not of the client.
    CorruptRecord: Unavailable,
    ExtensionFailed: Unavailable,
}
"""Errors of ports that are no fault of the program, with those of their responses."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An error in the main API.

    - `retry_after` is in seconds. For a 503 it is five. An error may have one of its own.
    - The error is about `field`. It is reported in `errors`, or with `keeps_error` in `error`, as
      clients of the older service expect.
    - `attributes` of the error are fields of the body, unless they are None.
    - `example` makes the one of the description: an instance that is kept would keep the frames of
      each request that raises it.
    - `is_of_client` is whether it is the doing of clients in spite of its status, like requests
      beyond a rate limit. It is not logged as an error.
    """

    status: int
    code: str
    message: str = "This value is invalid."
    retry_after: int | None = None
    field: str | None = None
    keeps_error: bool = False
    details: str | None = None
    attributes: tuple[str, ...] = ()
    headers: Callable[[Any], Mapping[str, str]] = lambda _: {}
    example: Callable[[], ApiError] | None = None
    is_of_client: bool = False


class ErrorTable:
    """The errors of an API, here of the main one, with what clients see of them.

    Another API of the service has a subclass, with the same rows.

    Attributes:
        name: Where the description names a response that operations share, it begins with this.
        methods: The value of `Allow` for all its paths; None if each has methods of its own, and
            OPTIONS.
        schema: The schema of all its errors; None for those of the main API.
    """

    segment: ClassVar[str] = ""
    name: ClassVar[str] = ""
    methods: ClassVar[str | None] = None
    schema: ClassVar[type[msgspec.Struct] | None] = None

    def __init__(
        self,
        rows: Mapping[type[ApiError], ErrorRow],
        port_errors: Mapping[type[PortError], type[ApiError]] = PORT_ERRORS,
        others: Sequence[type["ErrorTable"]] = (),
    ) -> None:
        self.rows = rows
        self._port_errors = port_errors
        self._others = {other.segment: other(rows, port_errors) for other in others}

    def of_path(self, path: str) -> "ErrorTable":
        """Return the table of the API of a path, by whole segments."""
        segment = next(filter(None, path.split("/")), "")
        return self._others.get(segment, self)

    def from_port_error(
        self, error: PortError, unavailable: type[ApiError] = Unavailable
    ) -> ApiError:
        """Return the error of a response for one of a port, whose text is for operators only."""
        found = _find(self._port_errors, type(error)) or exceptions.InternalError
        response_error = (unavailable if found is Unavailable else found)()
        response_error.__cause__ = error
        return response_error

    def find_row(self, error: type[ApiError]) -> ErrorRow | None:
        """Return the row of a class of errors, or of its base; None if an extension lacks it."""
        return _find(self.rows, error)

    def row(self, error: ApiError) -> ErrorRow:
        """Return the row of an error.

        Raises:
            KeyError: An extension has not listed it.
        """
        row = self.find_row(type(error))
        if row is None:
            raise KeyError(type(error))
        return row

    def status(self, error: ApiError) -> int:
        return self.row(error).status

    def code(self, error: ApiError) -> str:
        row = self.row(error)
        return INVALID_CODE if self._field_errors(error) and not row.keeps_error else row.code

    def body(self, error: ApiError) -> Mapping[str, Any]:
        row, field_errors = self.row(error), self._field_errors(error)
        shown_errors = [msgspec.structs.asdict(field_error) for field_error in field_errors]
        if field_errors and not row.keeps_error:
            return {
                "errors": _messages(field_errors),
                "code": INVALID_CODE,
                "field_errors": shown_errors,
            }
        optional = {
            "field_errors": shown_errors or None,
            "retry_after": self._retry_after(error),
            "details": row.details,
            **{name: getattr(error, name) for name in row.attributes},
        }
        present = {name: value for name, value in optional.items() if value is not None}
        return {"error": self.message(error), "code": row.code, **present}

    def headers(self, error: ApiError) -> dict[str, str]:
        headers = {}
        if (retry_after := self._retry_after(error)) is not None:
            headers["Retry-After"] = str(retry_after)
        return headers | dict(self.row(error).headers(error))

    def message(self, error: ApiError) -> str:
        """Return the message of the error itself, or else that of its class."""
        if isinstance(error, exceptions.InvalidFields):
            messages = _messages(error.field_errors)
            return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in messages.items())
        return str(error) or self.row(error).message

    def to_field_error(self, field: str, error: ApiError) -> exceptions.FieldError:
        return exceptions.FieldError(field, self.row(error).code, self.message(error))

    def _retry_after(self, error: ApiError) -> int | None:
        row = self.row(error)
        of_status = RETRY_AFTER if row.status == 503 else row.retry_after
        seconds: int | None = getattr(error, "retry_after", of_status)
        return seconds

    def _field_errors(self, error: ApiError) -> Sequence[exceptions.FieldError]:
        if isinstance(error, exceptions.InvalidFields):
            return error.field_errors
        field = self.row(error).field
        return [] if field is None else [self.to_field_error(field, error)]


def _find(table: Mapping[type[T], V], error: type[T]) -> V | None:
    return next((table[base] for base in error.__mro__ if base in table), None)


def _messages(field_errors: Sequence[exceptions.FieldError]) -> dict[str, list[str]]:
    messages: dict[str, list[str]] = {}
    for error in field_errors:
        messages.setdefault(error.field, []).append(error.message)
    return messages
