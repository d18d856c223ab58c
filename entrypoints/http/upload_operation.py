"""The description of the upload's form, which is read by a reader of its own."""

from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)

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
                    type=_TEXT, format=OpenAPIFormat.BINARY, description="JPEG, PNG or GIF."
                ),
                "user_id": Schema(
                    type=_TEXT,
                    pattern="^[0-9a-fA-F]{24}$",
                    description="The caller's own; an administrator may name another.",
                ),
                "type": Schema(type=_TEXT, description="A claim, corrected by what the bytes are."),
                "category": Schema(
                    type=_TEXT, max_length=64, description="A label, returned exactly as sent."
                ),
            },
        )
        self.request_body = RequestBody(
            required=True, content={"multipart/form-data": OpenAPIMediaType(schema=form)}
        )
