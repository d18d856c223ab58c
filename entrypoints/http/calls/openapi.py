"""The description of the recording, which Litestar cannot derive from its handler."""

from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Schema,
)

from entrypoints.http.fields import binary_content


@dataclass
class RecordingOperation(Operation):
    """Describes a response of binary data."""

    def __post_init__(self) -> None:
        self.responses = {
            **(self.responses or {}),
            "200": OpenAPIResponse(
                description="The sound of the recording.",
                content=binary_content("audio/mpeg"),
                headers={
                    "Content-Disposition": OpenAPIHeader(
                        description="A file name.",
                        required=True,
                        schema=Schema(
                            type=OpenAPIType.STRING,
                            examples=['attachment; filename="call-6561a2b2c3d4e5f60718293c-0.mp3"'],
                        ),
                    )
                },
            ),
        }
