"""The description of a file, which is no JSON."""

from dataclasses import dataclass
from typing import Final

from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Schema,
)

CACHED: Final = "public, max-age=3600"
_CONTENT_TYPES: Final = ("image/gif", "image/jpeg", "image/png")


@dataclass
class MediaFileOperation(Operation):
    """An operation that answers with a picture's bytes; in OpenAPI 3.1 these have no schema."""

    def __post_init__(self) -> None:
        self.responses = {
            **(self.responses or {}),
            "200": OpenAPIResponse(
                description="The bytes of the picture, which never change.",
                content={one: OpenAPIMediaType() for one in _CONTENT_TYPES},
                headers={
                    "Cache-Control": OpenAPIHeader(
                        description="How long copies may be kept.",
                        required=True,
                        schema=Schema(type=OpenAPIType.STRING, examples=[CACHED]),
                    ),
                    "Content-Length": OpenAPIHeader(
                        description="Size of the file, in bytes.",
                        required=True,
                        schema=Schema(type=OpenAPIType.INTEGER, examples=[2481733]),
                    ),
                },
            ),
        }
