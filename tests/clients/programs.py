"""Programs that use a service as a client."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.npm_packages import install_npm_packages
from tests.support.servers.process import find_or_install

FOLDER: Final = Path(__file__).parent
PROJECT: Final = FOLDER.parents[1]


class ClientFailed(Exception):
    """A command has failed; the text is its output."""


def run(*command: str | Path, folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a command, which reaches the service without a proxy; return its output.

    Raises:
        ClientFailed
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1", **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        shown = " ".join(Path(part).name for part in command[:3])
        raise ClientFailed(f"{shown} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def run_python(*arguments: str | Path, folder: Path) -> str:
    """Run Python; return its output."""
    return run(sys.executable, *arguments, folder=folder)


def run_node(*arguments: str | Path, folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run Node.js; return its output."""
    return run(find_or_install("node", "nodejs"), *arguments, folder=folder, environ=environ)


def link_npm_packages(folder: Path, name: str) -> None:
    """Give a folder the packages of a lock."""
    (folder / "node_modules").symlink_to(install_npm_packages(FOLDER / name))
