"""Shared libraries of a program, and the packages of those that are missing."""

import re
import subprocess
from pathlib import Path
from typing import Final

from tests.support.servers.errors import SourceUnavailable

# Those of mongod; their own libraries are dependencies of these packages.
PACKAGES: Final = {
    "libcrypto.so.3": "libssl3",
    "libcurl.so.4": "libcurl4",
    "libgcc_s.so.1": "libgcc-s1",
    "liblzma.so.5": "liblzma5",
    "libssl.so.3": "libssl3",
}
_FOUND: Final = re.compile(r"(/\S+) \(0x")
_NOT_FOUND: Final = re.compile(r"(\S+) => not found")


def check_libraries(program: Path) -> None:
    """Raise SourceUnavailable with the missing libraries, if any."""
    missing = _NOT_FOUND.findall(_ldd(program))
    if missing:
        raise SourceUnavailable(f"{program.name} lacks {', '.join(missing)}{_advice(missing)}")


def libraries(program: Path) -> list[Path]:
    """Return all its shared libraries, also indirect ones, and the loader."""
    return [Path(found) for found in _FOUND.findall(_ldd(program))]


def _advice(missing: list[str]) -> str:
    packages = sorted({PACKAGES[name] for name in missing if name in PACKAGES})
    return f" (Debian, Ubuntu: apt install {' '.join(packages)})" if packages else ""


def _ldd(program: Path) -> str:
    """Return the output of ldd; empty for a static program."""
    command = ["ldd", str(program)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
