"""Parameters of paths and queries, as Litestar describes them."""

from typing import Annotated, Any

from litestar.params import PathParameter, QueryParameter

from domain.identifier import IDENTIFIER_PATTERN
from entrypoints.http.fields import ID_DESCRIPTION


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
