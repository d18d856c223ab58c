"""The suites of media stores."""

from typing import Final

from application.ports.media import MediaFiles
from pytest_dialtone.port import Port, has_method

PORTS: Final = (
    Port("DIALTONE_MEDIA", MediaFiles, has_method("write", "open_file", "url_for"), ("media",)),
)
