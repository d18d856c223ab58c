"""Shared libraries that a program needs of the system, and who brings those that are missing."""

import re
import subprocess
from pathlib import Path
from typing import Final

from tests.support.servers.refusals import Unavailable

# Those that mongod names; what they need themselves comes with their packages.
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
    """Raise Unavailable when it would not start for want of a library, with all that it lacks."""
    missing = _NOT_FOUND.findall(_listing(program))
    if missing:
        raise Unavailable(f"{program.name} lacks {', '.join(missing)}{_advice(missing)}")


def libraries(program: Path) -> list[Path]:
    """The shared libraries that it needs, near and far, and the loader that loads them."""
    return [Path(found) for found in _FOUND.findall(_listing(program))]


def _advice(missing: list[str]) -> str:
    packages = sorted({PACKAGES[name] for name in missing if name in PACKAGES})
    return f" (Debian, Ubuntu: apt install {' '.join(packages)})" if packages else ""


def _listing(program: Path) -> str:
    """What the loader says; nothing for what is linked statically, which ldd refuses."""
    asked = ["ldd", str(program)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout
