"""Disks of a test's own: mounts that only one child process sees, and that go with it."""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

Command = Sequence[str]

_WAYS: Final = (
    ("unshare", "--mount"),
    ("unshare", "--user", "--map-root-user", "--mount"),
)
_NO_WAY: Final = (
    "This test needs a disk of its own, and nobody may mount one here: run it as root, or allow "
    "user namespaces (kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0). Tried: {tried}"
)


def run_with_disk(disk: Path, size: str, *commands: Command) -> list[str]:
    """Run the commands one after another with an empty disk at this folder; give their lines."""
    script = "\n".join(shlex.join(command) for command in (_mount(disk, size), *commands))
    done = _ran([*way_to(disk), "sh", "-ec", script])
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def make_read_only(disk: Path) -> Command:
    """The command after which the disk cannot be written."""
    return ["mount", "-o", "remount,bind,ro", str(disk)]


def fill(disk: Path) -> Command:
    """The command after which the disk has no room left."""
    return ["sh", "-c", f"dd if=/dev/zero of={disk}/ballast bs=4k 2>/dev/null || true"]


def way_to(disk: Path) -> Command:
    """The command below which disks can be mounted that nobody else sees."""
    if not (shutil.which("unshare") and shutil.which("mount")):
        pytest.fail("This test needs `unshare` and `mount` (package util-linux).")
    tried = []
    for way in _WAYS:
        done = _ran([*way, *_mount(disk, "1m")])
        if done.returncode == 0:
            return way
        tried.append(f"{shlex.join(way)}: {done.stderr.strip()}")
    pytest.fail(_NO_WAY.format(tried="; ".join(tried)))


def _mount(disk: Path, size: str) -> Command:
    return ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]


def _ran(command: Command) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
