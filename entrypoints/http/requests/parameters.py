"""Parameters of paths and queries, as Litestar describes them, and of lists in pages."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from litestar.params import PathParameter, QueryParameter

from domain.cursor import CURSOR_PATTERN, MAX_PAGE_SIZE
from domain.errors import InvalidNumber
from domain.identifier import IDENTIFIER_PATTERN
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.fields import ID_DESCRIPTION, described


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


IdParameter = Annotated[str, path_parameter(ID_DESCRIPTION, pattern=IDENTIFIER_PATTERN)]


CURSOR_EXAMPLE: Final = "0650be398fd6006561a2b1c3d4e5f60718293b"
NextCursorField = Annotated[
    str | None,
    described("Send it as `cursor` to get the next page; null on the last page.", CURSOR_EXAMPLE),
]
CursorParameter = Annotated[
    str | None, query_parameter("The `next_cursor` of the previous page.", pattern=CURSOR_PATTERN)
]
MAX_NUMBER: Final = 10**18 - 1
_NUMBER: Final = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountParameter:
    """A whole number in a query. Beyond `maximum` there is an error of another kind."""

    name: str
    default: int
    minimum: int = 1
    maximum: int = MAX_NUMBER

    def describe(self, description: str) -> QueryParameter:
        """Describe it; the default is added to the description."""
        return query_parameter(
            f"{description} The default is {self.default}.",
            name=self.name,
            type="integer",
            minimum=self.minimum,
            maximum=self.maximum,
            examples=[self.default],
        )

    def parse(self, text: str | None) -> int:
        """Parse it; raises InvalidNumber."""
        if text is None:
            return self.default
        if not _NUMBER.fullmatch(text) or int(text) < self.minimum:
            raise InvalidNumber(self.error.message)
        return int(text)

    @property
    def error(self) -> FieldError:
        message = f"This must be a whole number, {self.minimum} or more."
        return FieldError(self.name, FieldErrorCode.INVALID_NUMBER, message)


def describe_page_size(size: CountParameter, items: str) -> QueryParameter:
    """Describe how many items a page has."""
    return size.describe(
        f"{items} per page, from {size.minimum}. More than {MAX_PAGE_SIZE} is taken as"
        f" {MAX_PAGE_SIZE}."
    )
