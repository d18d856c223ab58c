"""Creating and loading the secrets file on a real disk."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from adapters.key_file import file as key_file
from adapters.key_file import generate_secrets_file, load_secrets_file
from application.ports.errors import ConfigurationError
from tests.support.keys import create_secrets_file, edit_secrets_file, load_keys


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


@pytest.mark.parametrize("umask", [0, 0o002])
def test_a_new_file_is_accepted_in_production_with_any_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
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


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o777])
def test_a_file_that_others_can_access_is_rejected_with_the_fix(existing: Path, mode: int) -> None:
    existing.chmod(mode)

    for is_strict in (False, True):
        assert load_error(existing, is_strict=is_strict).endswith(f" Fix: chmod 600 {existing}")


def binary_file(path: Path) -> None:
    path.write_bytes(os.urandom(2_000_000))
    path.chmod(0o600)


def without_signing_keys(path: Path) -> None:
    create_secrets_file(path)
    edit_secrets_file(path, lambda document: document.update(signing=[]))


NOT_A_FILE = "{0} is not a regular file, nor a link to one"


@pytest.mark.parametrize(
    ("create", "problem"),
    [
        (lambda path: path.symlink_to("nothing.json"), NOT_A_FILE),
        (lambda path: path.mkdir(mode=0o700), NOT_A_FILE),
        (lambda path: os.mkfifo(path, 0o600), NOT_A_FILE),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (binary_file, "The secrets file {0} is invalid: it is not JSON"),
        (without_signing_keys, 'The secrets file {0} is invalid: "signing" is missing'),
    ],
    ids=["broken link", "directory", "pipe", "link to itself", "binary", "no signing keys"],
)
def test_a_file_that_is_no_secrets_file_is_an_error_with_its_path(
    path: Path, create: Callable[[Path], None], problem: str
) -> None:
    path.parent.mkdir()
    create(path)

    assert problem.format(path) in load_error(path)


# Strict checks, for production


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o1777])
def test_a_directory_writable_by_others_is_rejected_only_by_strict_checks(
    existing: Path, mode: int
) -> None:
    existing.parent.chmod(mode)

    error = load_error(existing, is_strict=True)

    assert error.endswith(f" Fix: chmod go-w {existing.parent}")
    load_keys(existing)


def as_owned_by(owners: Mapping[Path, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files have other owners."""
    stat_path = Path.stat

    def stat_with_owner(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        status = stat_path(self, follow_symlinks=follow_symlinks)
        return os.stat_result((*status[:4], owners.get(self, status.st_uid), *status[5:]))

    monkeypatch.setattr(Path, "stat", stat_with_owner)


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


def mount_read_only(path: Path, monkeypatch: pytest.MonkeyPatch, device: int = -1) -> None:
    """Let the path be a mount that nobody can write to, of a file system of its own by default."""
    statvfs, stat_path = os.statvfs, Path.stat

    def statvfs_of_mount(checked: Path) -> object:
        if checked.is_relative_to(path):
            return SimpleNamespace(f_flag=os.ST_RDONLY)
        return statvfs(checked)

    def stat_of_mount(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        status = stat_path(self, follow_symlinks=follow_symlinks)
        shown = device if self.is_relative_to(path) else status.st_dev
        return os.stat_result((*status[:2], shown, *status[3:]))

    monkeypatch.setattr(os, "statvfs", statvfs_of_mount)
    monkeypatch.setattr(Path, "stat", stat_of_mount)


@pytest.mark.parametrize("foreign", [".", "..data", "..2026_11_21", "..2026_11_21/secrets.json"])
def test_no_other_user_can_replace_a_part_of_a_link(
    mounted: Path, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_secrets_file(mounted, is_strict=True).keys == load_keys(mounted)
    path, user = mounted.parent / foreign, os.geteuid()
    as_owned_by({path: user + 1}, monkeypatch)

    error = load_error(mounted, is_strict=True)

    assert error.startswith(f"{path} belongs to another user")
    assert f"uid {user}" in error


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o444, 0o644])
def test_a_read_only_mount_may_have_any_mode_and_owner(
    mounted: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = load_keys(mounted)
    mounted.resolve().chmod(mode)
    mounted.parent.chmod(0o1777)
    as_owned_by({mounted.parent: os.geteuid() + 1}, monkeypatch)
    mount_read_only(mounted.parent, monkeypatch)

    assert load_secrets_file(mounted, is_strict=True).keys == keys


def test_a_bind_mount_is_a_mounted_secret_and_a_read_only_root_file_system_is_not(
    existing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing.chmod(0o644)
    with monkeypatch.context() as patch:
        mount_read_only(existing, patch, device=Path("/").stat().st_dev)
        assert load_keys(existing)
    mount_read_only(Path("/"), monkeypatch)

    assert load_error(existing).endswith(f" Fix: chmod 600 {existing}")


@pytest.mark.parametrize(
    ("mode", "is_accepted"), [(0o440, True), (0o640, True), (0o660, False), (0o644, False)]
)
def test_a_group_may_read_a_file_of_root(
    existing: Path, mode: int, is_accepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing.chmod(mode)
    monkeypatch.setattr(key_file, "_ROOT", os.geteuid())
    monkeypatch.setattr(os, "geteuid", lambda: existing.stat().st_uid + 1)

    if is_accepted:
        load_secrets_file(existing, is_strict=True)
    else:
        assert load_error(existing).endswith(f" Fix: chmod 640 {existing}")


# Generating


def test_keys_are_generated_once(path: Path) -> None:
    assert generate_secrets_file(path) is None
    content = path.read_bytes()

    with pytest.raises(ConfigurationError, match=f"{path} exists and was not changed"):
        generate_secrets_file(path)
    assert path.read_bytes() == content
    path.unlink()
    # A folder that production rejects is reported at once.
    path.parent.chmod(0o777)
    assert str(generate_secrets_file(path)).endswith(f" Fix: chmod go-w {path.parent}")
