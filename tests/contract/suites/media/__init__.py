"""The suites of media stores."""

from typing import Final

from application.features.media.ports import MediaFiles
from tests.contract.suites.port import Port

PORTS: Final = (Port("media", "DIALTONE_MEDIA", MediaFiles, ("media",)),)
