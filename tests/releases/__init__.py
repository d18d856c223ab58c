"""What releases promised: the description and a database of each, which later versions keep.

`python -m tests.releases` adds those of the version of the project, once (docs/extending.md).
"""

import gzip
import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
RELEASES: Final = sorted(path.name for path in FOLDER.iterdir() if path.name[0].isdigit())
PHONE: Final = "+14155550123"
OTHER_PHONE: Final = "+14155550124"
USERNAME: Final = "Asha Verma"
CATEGORY: Final = "art"


def description_of(release: str) -> dict[str, Any]:
    """Return the OpenAPI document of a release."""
    content = gzip.decompress((FOLDER / release / "openapi.json.gz").read_bytes())
    description: dict[str, Any] = json.loads(content)
    return description


def data_of(release: str) -> Path:
    """Return the archive of the folder of a service of this release."""
    return FOLDER / release / "service.tar.gz"
