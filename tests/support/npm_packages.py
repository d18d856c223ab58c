"""npm packages for tests, in the cache of the user: all clones share them."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.support.servers.process import ServerUnavailable, find_or_install

_FILES: Final = ("package.json", "package-lock.json", ".npmrc")


def install_npm_packages(sources: Path) -> Path:
    """Return the `node_modules` with the packages of a lock, installed now or before.

    Args:
        sources: The folder with `package.json`, `package-lock.json` and `.npmrc`.

    Raises:
        ServerUnavailable: There is no npm, and it cannot be installed.
        ServerUnavailable: npm could not install the packages.
    """
    files = [sources / name for name in _FILES]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "dialtone-test-clients" / digest
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Another run may install them at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for file in files:
                shutil.copy(file, folder)
            _run_npm(folder)
            (folder / "installed").touch()
    return folder / "node_modules"


def _run_npm(folder: Path) -> None:
    npm = subprocess.run(
        # Only the packages of the lock, with its digests; none of their scripts is run.
        [find_or_install("npm"), "ci", "--ignore-scripts"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if npm.returncode:
        raise ServerUnavailable(f"npm could not install the packages:\n{npm.stdout}")
