"""The description of signing out, whose body may be left out."""

from dataclasses import dataclass

from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody


@dataclass
class SignOutOperation(Operation):
    """An operation that takes a body or none; the framework would require one, or `null`."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=False,
            content={
                RequestEncodingType.JSON: OpenAPIMediaType(
                    schema=Reference("#/components/schemas/LogoutBody")
                )
            },
        )
