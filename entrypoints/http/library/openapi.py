"""Descriptions of the two library operations that Litestar cannot derive from their handlers."""

from dataclasses import dataclass
from typing import Final

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)

from domain.media.item import MAX_CATEGORY_LENGTH
from entrypoints.http.fields import ID_PATTERN, binary_content
from entrypoints.http.library.schemas import CATEGORY_PATTERN

MEDIA_CACHE_CONTROL: Final = "public, max-age=3600"
PRIVATE_MEDIA_CACHE_CONTROL: Final = "private, max-age=3600"
_CONTENT_TYPES: Final = ("image/gif", "image/jpeg", "image/png")


@dataclass
class UploadImageOperation(Operation):
    """Describes the multipart form, which the handler reads itself."""

    def __post_init__(self) -> None:
        form = Schema(
            type=OpenAPIType.OBJECT,
            required=["file", "user_id"],
            properties={
                "file": Schema(
                    # OpenAPI 3.1 has no such format, but generators of clients rely on it.
                    type=OpenAPIType.STRING,
                    format=OpenAPIFormat.BINARY,
                    description="A JPEG, PNG or GIF image.",
                ),
                "user_id": Schema(
                    type=OpenAPIType.STRING,
                    pattern=ID_PATTERN,
                    description="The caller's id, the `_id` of `GET /users/me`; for"
                    " administrators, any user's.",
                ),
                "type": Schema(
                    type=OpenAPIType.STRING,
                    description="Ignored: the bytes of the file decide the type.",
                    examples=["image"],
                ),
                "category": Schema(
                    type=OpenAPIType.STRING,
                    pattern=CATEGORY_PATTERN,
                    max_length=MAX_CATEGORY_LENGTH,
                    description="A label. It is returned exactly as sent.",
                    examples=["art"],
                ),
            },
        )
        self.request_body = RequestBody(
            required=True, content={"multipart/form-data": OpenAPIMediaType(schema=form)}
        )


@dataclass
class MediaFileOperation(Operation):
    """Describes a response of binary data."""

    def __post_init__(self) -> None:
        self.responses = {
            **(self.responses or {}),
            "200": OpenAPIResponse(
                description="The bytes of the image. They never change.",
                content=binary_content(*_CONTENT_TYPES),
                headers={
                    "Cache-Control": OpenAPIHeader(
                        description=(
                            "Which caches may store the file, and how long. `private` where "
                            "the file needs an access token."
                        ),
                        required=True,
                        schema=Schema(
                            type=OpenAPIType.STRING,
                            examples=[MEDIA_CACHE_CONTROL, PRIVATE_MEDIA_CACHE_CONTROL],
                        ),
                    ),
                    "Content-Length": OpenAPIHeader(
                        description="The size of the file in bytes.",
                        required=True,
                        schema=Schema(type=OpenAPIType.INTEGER, examples=[2481733]),
                    ),
                },
            ),
        }
