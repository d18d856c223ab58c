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
    Reference,
    RequestBody,
    Schema,
)

from domain.media.image import ImageFormat
from domain.media.item import MAX_CATEGORY_LENGTH
from entrypoints.http.fields import ID_PATTERN, binary_content
from entrypoints.http.library.schemas import CATEGORY_PATTERN

PRIVATE_CACHE_CONTROL: Final = "private, no-cache"
"""Of a file that a token opens: the next user of a browser has another token."""
_CONTENT_TYPES: Final = tuple(image_format.content_type for image_format in ImageFormat)


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
                    description="A JPEG, PNG, WebP, GIF, AVIF or HEIC image.",
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
        content = binary_content(*_CONTENT_TYPES)
        validators = {
            "Cache-Control": _header(
                "Which caches may store the file, and how long. `private` where the URL expires.",
                "public, max-age=31536000, immutable",
            ),
            "ETag": _header("Identifies the bytes.", '"0f1e2d3c4b5a69788796a5b4c3d2e1f0.jpg"'),
            "Last-Modified": _header("When it was uploaded.", "Fri, 01 May 2026 09:30:00 GMT"),
        }
        length = {"Content-Length": _header("The number of bytes.", "2481733")}
        content_range = {"Content-Range": _header("Which bytes these are.", "bytes 0-99/2481733")}
        self.responses = {
            **(self.responses or {}),
            "200": OpenAPIResponse(
                description="The bytes of the image. They never change.",
                content=content,
                headers={**validators, **length},
            ),
            "206": OpenAPIResponse(
                description="The bytes that `Range` requests.",
                content=content,
                headers={**validators, **length, **content_range},
            ),
            "304": OpenAPIResponse(
                description="The client has the file already: `If-None-Match`,"
                " `If-Modified-Since`.",
                headers=validators,
            ),
        }


def _header(description: str, example: str) -> OpenAPIHeader | Reference:
    schema = Schema(type=OpenAPIType.STRING, examples=[example])
    return OpenAPIHeader(description=description, required=True, schema=schema)
