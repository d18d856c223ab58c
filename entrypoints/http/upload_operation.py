"""The description of the upload's form, which is read by a reader of its own."""

from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)

from domain.media.item import MAX_CATEGORY_LENGTH
from entrypoints.http.parameters import CATEGORY_PATTERN, ID_PATTERN

_TEXT = OpenAPIType.STRING


@dataclass
class UploadOperation(Operation):
    """An operation that takes the upload's form."""

    def __post_init__(self) -> None:
        form = Schema(
            type=OpenAPIType.OBJECT,
            required=["file", "user_id"],
            properties={
                "file": Schema(
                    # OpenAPI 3.1 says no more of bytes than what they are.
                    content_media_type="application/octet-stream",
                    description="JPEG, PNG or GIF.",
                ),
                "user_id": Schema(
                    type=_TEXT,
                    pattern=ID_PATTERN,
                    description="The caller's own; an administrator may name another.",
                    examples=["6561a2b0c3d4e5f60718293a"],
                ),
                "type": Schema(
                    type=_TEXT,
                    description="A claim, corrected by what the bytes are.",
                    examples=["image"],
                ),
                "category": Schema(
                    type=_TEXT,
                    pattern=CATEGORY_PATTERN,
                    max_length=MAX_CATEGORY_LENGTH,
                    description="A label, returned exactly as sent.",
                    examples=["art"],
                ),
            },
        )
        self.request_body = RequestBody(
            required=True, content={"multipart/form-data": OpenAPIMediaType(schema=form)}
        )
