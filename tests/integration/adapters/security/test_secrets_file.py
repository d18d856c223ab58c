"""Creating and loading the secrets file on a real disk."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from adapters.security.keys.keys import generate_secrets_file, load_secrets_file
from application.ports.errors import ConfigurationError
from tests.support.keys import create_secrets_file, load_keys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file that does not exist, in a directory that does not exist."""
    return tmp_path / "var" / "secrets.json"


@pytest.fixture
def existing(path: Path) -> Path:
    create_secrets_file(path)
    path.parent.chmod(0o755)
    return path


def load_error(path: Path, *, create_missing: bool = True, is_strict: bool = False) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load_secrets_file(path, create_missing=create_missing, is_strict=is_strict)
    return str(raised.value)


# Creating


def test_a_new_file_is_accepted_in_production_with_any_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        created = create_secrets_file(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_nlink == 1
    assert load_secrets_file(path, create_missing=True, is_strict=True).keys == created
    path.chmod(0o400)
    assert load_keys(path) == created


def test_a_missing_file_or_a_directory_that_is_not_writable_is_an_error(path: Path) -> None:
    error = load_error(path, create_missing=False)

    assert error.startswith(f"The secrets file {path} does not exist. ")
    assert error.endswith(f"dialtone keys generate {path}")
    assert not path.parent.exists()
    path.parent.touch()
    for folder in (path.parent, Path("/proc/nowhere")):
        assert str(folder) in load_error(folder / "secrets.json")


# Loading


def let_files_have(
    monkeypatch: pytest.MonkeyPatch, *, owner: int | None = None, device: int | None = None
) -> None:
    """Let opened files have another owner or be on another device."""
    fstat = os.fstat

    def fstat_with_changes(descriptor: int) -> os.stat_result:
        status = list(fstat(descriptor))
        if device is not None:
            status[stat.ST_DEV] = device
        if owner is not None:
            status[stat.ST_UID] = owner
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", fstat_with_changes)


ROOT, OWN, OTHER = 0, 12345, 54321


@pytest.mark.parametrize(
    ("owner", "user", "mode", "is_strict", "fix"),
    [
        (OWN, OWN, 0o604, True, "chmod 600"),
        # A group may read a file of root.
        (ROOT, OWN, 0o640, True, None),
        (ROOT, OWN, 0o620, False, "chmod 640"),
        # A job of root may use the file of the service's user.
        (OTHER, ROOT, 0o600, False, None),
        (OTHER, ROOT, 0o600, True, "chown 0"),
        (OTHER, OWN, 0o600, False, "chown 12345"),
    ],
)
def test_a_file_that_others_can_access_is_rejected_with_the_fix(
    existing: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: int,
    user: int,
    mode: int,
    is_strict: bool,
    fix: str | None,
) -> None:
    let_files_have(monkeypatch, owner=owner)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    existing.chmod(mode)

    if fix is None:
        load_secrets_file(existing, is_strict=is_strict)
    else:
        error = load_error(existing, is_strict=is_strict)
        assert error.endswith(f" Fix: {fix} {existing}")
        assert ("belongs to uid 54321" in error) is (owner == OTHER)


NOT_A_FILE = "{0} is not a regular file, nor a link to one"


@pytest.mark.parametrize(
    ("create", "problem"),
    [
        (lambda path: path.symlink_to("nothing.json"), NOT_A_FILE),
        (lambda path: os.mkfifo(path, 0o600), NOT_A_FILE),
        (
            lambda path: (path.write_bytes(b"\xff"), path.chmod(0o600)),
            "The secrets file {0} is invalid: it is not JSON",
        ),
    ],
    ids=["broken link", "pipe", "binary"],
)
def test_a_file_that_is_no_secrets_file_is_an_error_with_its_path(
    path: Path, create: Callable[[Path], object], problem: str
) -> None:
    path.parent.mkdir()
    create(path)

    assert problem.format(path) in load_error(path)


# As Docker and Kubernetes mount secrets


@pytest.fixture
def mounted(existing: Path) -> Path:
    """Return the link to a secret that is mounted like a volume of Kubernetes."""
    volume = existing.parent
    first = volume / "..2026_11_21"
    first.mkdir(mode=0o755)
    existing.rename(first / existing.name)
    (volume / "..data").symlink_to(first.name)
    existing.symlink_to(f"..data/{existing.name}")
    return existing


def mount_read_only(monkeypatch: pytest.MonkeyPatch, device: int = -1) -> None:
    """Let opened files be in a read-only mount, of a file system of its own by default."""
    monkeypatch.setattr(os, "fstatvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    let_files_have(monkeypatch, owner=os.geteuid() + 1, device=device)


@pytest.mark.parametrize("mode", [0o400, 0o644])
def test_a_read_only_mount_may_have_any_mode_and_owner(
    mounted: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = load_keys(mounted)
    mounted.resolve().chmod(mode)
    mounted.parent.chmod(0o1777)
    mount_read_only(monkeypatch)

    assert load_secrets_file(mounted, is_strict=True).keys == keys


def test_a_read_only_root_file_system_is_no_mounted_secret(
    existing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing.chmod(0o644)
    # Others than root may not use a file of somebody else anyway.
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    mount_read_only(monkeypatch, Path("/").stat().st_dev)

    assert load_error(existing).endswith(f" Fix: chmod 600 {existing}")
    assert "belongs to uid" in load_error(existing, is_strict=True)


# Generating


def test_keys_are_generated_once(path: Path) -> None:
    generate_secrets_file(path)
    content = path.read_bytes()

    with pytest.raises(ConfigurationError, match=f"{path} exists and was not changed"):
        generate_secrets_file(path)
    assert path.read_bytes() == content
    load_secrets_file(path, is_strict=True)


# Many processes at once

PROJECT: Final = Path(__file__).parents[4]
TWENTY_AT_ONCE: Final = """
import hashlib, os, sys
from pathlib import Path
from adapters.security.keys.keys import load_secrets_file

wait, start = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        os.close(start)
        os.read(wait, 1)  # returns when the last process has closed the other end
        keys = load_secrets_file(Path(sys.argv[1]), create_missing=True).keys
        digest = hashlib.sha256(b"".join(key.key for key, *_ in keys.values())).hexdigest()
        os.write(1, f"{digest}\\n".encode())
        os._exit(0)
os.close(start)
for _ in range(20):
    assert os.wait()[1] == 0
"""


@pytest.mark.slow
def test_of_twenty_processes_at_once_one_writes_the_file_and_all_load_it(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secrets.json"

    completed = subprocess.run(
        [sys.executable, "-c", TWENTY_AT_ONCE, str(path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert completed.stderr == ""
    loaded = completed.stdout.splitlines()
    assert len(loaded) == 20
    assert len(set(loaded)) == 1
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]
