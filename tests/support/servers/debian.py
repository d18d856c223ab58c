"""Programs of Debian packages, installed for tests on machines where that is allowed."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.servers.errors import ServerUnavailable


def find_or_install(program: str, package: str, search_path: str) -> Path:
    """Return the path of a program; root installs its package with apt-get if it is missing.

    Raises:
        ServerUnavailable: It cannot be installed, or only by another user.
    """
    found = shutil.which(program, path=search_path)
    if found:
        return Path(found)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ServerUnavailable(
            f"There is no {program}, and only root can install {package} with apt-get."
        )
    apt_get = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=180")
    output = [
        subprocess.run(
            [*apt_get, *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout
        for command in (["update"], ["install", "-y", "--no-install-recommends", package])
    ]
    found = shutil.which(program, path=search_path)
    if not found:
        raise ServerUnavailable("\n".join([f"{package} could not be installed:", *output]))
    return Path(found)
