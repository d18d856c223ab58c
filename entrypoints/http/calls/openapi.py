"""The description of the recording, which Litestar cannot derive from its handler."""

from dataclasses import dataclass
from typing import Any, Final

from litestar.openapi.spec import Operation

from entrypoints.http.fields import binary_content, header

_RECORDING: Final[Any] = {
    "description": "The sound of the recording.",
    "headers": {
        "Content-Disposition": header(
            "A file name.", 'attachment; filename="call-6561a2b2c3d4e5f60718293c-0.mp3"'
        )
    },
    "content": binary_content("audio/mpeg"),
}


@dataclass
class RecordingOperation(Operation):
    """Describes a response of binary data."""

    def __post_init__(self) -> None:
        self.responses = {**(self.responses or {}), "200": _RECORDING}
