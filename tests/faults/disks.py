"""Disks of a test: mounts that only one child process sees and that end with it."""

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.support.service import Service, command

Command = Sequence[str]

PAGE_SIZE: Final = 4096
_UNSHARE_COMMANDS: Final = (
    ("unshare", "--mount"),
    ("unshare", "--user", "--map-root-user", "--mount"),
)
_CANNOT_MOUNT: Final = (
    "This test mounts a disk, which is not permitted. Run it as root, or allow user namespaces "
    "(kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0). "
    "Tried: {tried}"
)


def run_with_disk(disk: Path, size: str, *commands: Command) -> list[str]:
    """Run commands one after another with an empty disk at this folder; return their lines."""
    script = "\n".join(shlex.join(line) for line in (_mount(disk, size), *commands))
    completed = _run([*unshare_command(disk), "sh", "-ec", script])
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.splitlines()


def make_read_only(disk: Path) -> Command:
    """Return the command that makes the disk read-only."""
    return ["mount", "-o", "remount,bind,ro", str(disk)]


def fill(disk: Path) -> Command:
    """Return the command that fills the disk."""
    return ["sh", "-c", f"dd if=/dev/zero of={disk}/ballast bs=4k 2>/dev/null || true"]


def unshare_command(disk: Path) -> Command:
    """Return the command that runs another one with mounts that nobody else sees."""
    if not (shutil.which("unshare") and shutil.which("mount")):
        pytest.fail("This test needs `unshare` and `mount` (package util-linux).")
    tried = []
    for unshare in _UNSHARE_COMMANDS:
        completed = _run([*unshare, *_mount(disk, "1m")])
        if completed.returncode == 0:
            return unshare
        tried.append(f"{shlex.join(unshare)}: {completed.stderr.strip()}")
    pytest.fail(_CANNOT_MOUNT.format(tried="; ".join(tried)))


def _mount(disk: Path, size: str) -> Command:
    return ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]


def _run(arguments: Command) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)


class ServiceOnDisk(Service):
    """A service with a disk that only it sees, of a size like `64m`."""

    def __init__(self, folder: Path, disk: Path, size: str, environ: Mapping[str, str]) -> None:
        script = f'{shlex.join(_mount(disk, size))}\nexec "$@"'
        program = [*unshare_command(disk), "sh", "-ec", script, "sh", command()]
        super().__init__(folder, environ, program=program)
        self._disk = disk

    @property
    def _ballast(self) -> Path:
        return Path(f"/proc/{self.pid}/root{self._disk}/ballast")

    def fill(self, free_percent: float = 0) -> None:
        """Fill the disk, up to what is left free."""
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            while self._free_percent() > free_percent and ballast.write(bytes(PAGE_SIZE)):
                pass

    def _free_percent(self) -> float:
        usage = shutil.disk_usage(self._ballast)
        return 100 * usage.free / usage.total

    def free(self) -> None:
        """Free what was filled."""
        self._ballast.unlink()
