"""Checks that a response conforms to the description of its operation."""

from typing import Any, Final

import httpx
import schemathesis
from schemathesis import BaseSchema
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def load_schema(document: dict[str, Any], url: str) -> BaseSchema:
    """Return the description of the service at this URL."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    return schema


def assert_conforms(schema: BaseSchema, method: str, path: str, response: httpx.Response) -> None:
    """Fail if the description does not have this response.

    Args:
        schema: The description.
        method: The method of the operation.
        path: The path as in the description, with parameters in braces.
        response: The response.
    """
    # The content of the request may be consumed already, and no check needs it.
    response.request = httpx.Request(response.request.method, response.request.url)
    schema[path][method].Case().validate_response(response, checks=CHECKS)
