"""Holding one answer to the description of its operation."""

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
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def described(document: dict[str, Any], url: str) -> BaseSchema:
    """The description of the service at this address."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    return schema


def conforms(
    schema: BaseSchema, method: str, path: str, answer: httpx.Response, *, is_broken: bool = False
) -> None:
    """Fail unless this is an answer that the operation has; `path` is as the description has it.

    A 5xx is one only where something is broken.
    """
    # The body that was sent may be gone, and no check is about it.
    answer.request = httpx.Request(answer.request.method, answer.request.url)
    checks = CHECKS if is_broken else [not_a_server_error, *CHECKS]
    schema[path][method].Case().validate_response(answer, checks=checks)
