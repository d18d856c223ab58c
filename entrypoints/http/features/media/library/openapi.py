"""Descriptions of the two library operations that Litestar cannot derive from their handlers."""

from collections.abc import Mapping
from typing import Any, Final

from domain.features.media.image import ImageFormat
from domain.features.media.item import CATEGORY_PATTERN, MAX_CATEGORY_LENGTH
from domain.identifier import IDENTIFIER_PATTERN
from entrypoints.http.fields import BINARY, binary_content, header

_FORM: Final = {
    "properties": {
        "file": {**BINARY, "description": "A JPEG, PNG, WebP, GIF or HEIC image."},
        "user_id": {
            "type": "string",
            "pattern": IDENTIFIER_PATTERN,
            "description": "The user's id, the `_id` of `GET /users/me`; for administrators, any"
            " user's.",
        },
        "type": {
            "type": "string",
            "description": "Ignored: the bytes of the file decide the type.",
            "examples": ["image"],
        },
        "category": {
            "type": "string",
            "maxLength": MAX_CATEGORY_LENGTH,
            "pattern": CATEGORY_PATTERN,
            "description": "A label. It is returned exactly as sent.",
            "examples": ["art"],
        },
    },
    "type": "object",
    "required": ["file", "user_id"],
}
UPLOAD_FORM: Final = {"content": {"multipart/form-data": {"schema": _FORM}}, "required": True}
_VALIDATORS: Final = {
    "Cache-Control": header(
        "Which caches may store the file, and how long. `private` where the URL expires.",
        "public, max-age=31536000, immutable",
    ),
    "ETag": header("Identifies the bytes.", '"0f1e2d3c4b5a69788796a5b4c3d2e1f0.jpg"'),
    "Last-Modified": header("When it was uploaded.", "Fri, 01 May 2026 09:30:00 GMT"),
}
_LENGTH: Final = {"Content-Length": header("The number of bytes.", "2481733")}
_RANGE: Final = {"Content-Range": header("Which bytes these are.", "bytes 0-99/2481733")}
_CONTENT: Final = binary_content(*(image_format.content_type for image_format in ImageFormat))
FILE_RESPONSES: Final[Mapping[str, Any]] = {
    "200": {
        "description": "The bytes of the image. They never change.",
        "headers": {**_VALIDATORS, **_LENGTH},
        "content": _CONTENT,
    },
    "206": {
        "description": "The bytes that `Range` requests.",
        "headers": {**_VALIDATORS, **_LENGTH, **_RANGE},
        "content": _CONTENT,
    },
    "304": {
        "description": "The client has the file already: `If-None-Match`, `If-Modified-Since`.",
        "headers": _VALIDATORS,
    },
}
