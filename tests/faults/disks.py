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


class ServiceOnDisks(Service):
    """A service with disks that only it sees, each of a size like `64m`.

    With `log_file` its log goes to that file.
    """

    def __init__(
        self,
        folder: Path,
        disks: Mapping[Path, str],
        environ: Mapping[str, str] | None = None,
        log_file: Path | None = None,
    ) -> None:
        for disk in disks:
            disk.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, environ, program=_program(disks, log_file))

    def inside(self, path: Path) -> Path:
        """Return the path of what the service sees at `path`."""
        return Path(f"/proc/{self.pid}/root{path}")

    def fill(self, disk: Path, leaving: int = 0) -> None:
        """Fill the disk except for `leaving` bytes, a multiple of the page size."""
        with (self.inside(disk) / "ballast").open("wb", buffering=0) as ballast:
            with suppress(OSError):
                while ballast.write(bytes(PAGE_SIZE)):
                    pass
            ballast.truncate(ballast.tell() - leaving)

    def free(self, disk: Path) -> None:
        """Free what was filled."""
        (self.inside(disk) / "ballast").unlink()


def _program(disks: Mapping[Path, str], log_file: Path | None) -> Sequence[str]:
    mounts = [shlex.join(_mount(disk, size)) for disk, size in disks.items()]
    redirection = f"2>{shlex.quote(str(log_file))}" if log_file else ""
    script = "\n".join([*mounts, f'exec "$@" {redirection}'])
    return [*unshare_command(next(iter(disks))), "sh", "-ec", script, "sh", command()]
