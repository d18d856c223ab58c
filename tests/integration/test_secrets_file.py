"""Creating and loading the secrets file on a real disk, with real processes."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from adapters.key_file import file as key_file
from adapters.key_file import generate_secrets_file, load_secrets_file
from application.ports.errors import ConfigurationError
from tests.support.keys import create_secrets_file, edit_secrets_file, load_keys

PROJECT: Final = Path(__file__).parents[2]

TWENTY_CONCURRENT_STARTS: Final = """
import hashlib, os, sys
from pathlib import Path
from adapters.key_file import load_secrets_file

wait, start = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        os.close(start)
        os.read(wait, 1)  # returns when the last process has closed the other end
        keys = load_secrets_file(Path(sys.argv[1]), create_missing=True).keys
        digest = hashlib.sha256(b"".join(key.key for (key,) in keys.values())).hexdigest()
        os.write(1, f"{digest}\\n".encode())
        os._exit(0)
os.close(start)
for _ in range(20):
    assert os.wait()[1] == 0
"""

KILLED_AT_EVERY_LINE: Final = """
import os, shutil, signal, sys
from pathlib import Path
from adapters.key_file import load_secrets_file

directory = Path(sys.argv[1])

def kill_at(line):
    lines_left = line
    def trace(frame, event, _):
        nonlocal lines_left
        if "key_file" not in frame.f_code.co_filename:
            return None
        lines_left -= event == "line"
        if lines_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)

for line in range(1, 10_000):
    shutil.rmtree(directory, ignore_errors=True)
    child = os.fork()
    if child == 0:
        kill_at(line)
        load_secrets_file(directory / "secrets.json", create_missing=True)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    exists = (directory / "secrets.json").exists()
    before = load_secrets_file(directory / "secrets.json").keys if exists else None
    after = load_secrets_file(directory / "secrets.json", create_missing=True).keys
    assert before in (None, after), line
    print(os.WTERMSIG(status), exists)
    if status == 0:
        break
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file that does not exist, in a directory that does not exist."""
    return tmp_path / "var" / "secrets.json"


@pytest.fixture
def existing(path: Path) -> Path:
    create_secrets_file(path)
    path.parent.chmod(0o755)
    return path


def run(script: str, argument: Path) -> list[str]:
    completed = subprocess.run(
        [sys.executable, "-c", script, str(argument)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stderr == ""
    return completed.stdout.splitlines()


def load_error(path: Path, *, create_missing: bool = True, is_strict: bool = False) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load_secrets_file(path, create_missing=create_missing, is_strict=is_strict)
    return str(raised.value)


# Creating


def test_twenty_concurrent_starts_load_the_same_keys(path: Path) -> None:
    digests = run(TWENTY_CONCURRENT_STARTS, path)

    assert len(digests) == 20
    assert len(set(digests)) == 1
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]


def test_a_process_killed_at_any_line_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    ends = run(KILLED_AT_EVERY_LINE, tmp_path / "var")

    assert ends[-1] == "0 True"
    assert {"9 False", "9 True"} <= set(ends)


def test_a_new_file_has_mode_0600_with_any_umask(path: Path) -> None:
    umask = os.umask(0)
    try:
        create_secrets_file(path)
    finally:
        os.umask(umask)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_nlink == 1


def test_the_created_keys_are_loaded_again(path: Path) -> None:
    created = create_secrets_file(path)

    assert create_secrets_file(path) == load_keys(path) == created


def test_a_missing_file_is_an_error_if_it_may_not_be_created(path: Path) -> None:
    error = load_error(path, create_missing=False)

    assert error.startswith(f"The secrets file {path} does not exist. ")
    assert error.endswith(f"dialtone keys generate {path}")
    assert not path.parent.exists()


def test_a_directory_that_is_not_writable_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").touch()

    assert str(tmp_path / "var") in load_error(tmp_path / "var" / "secrets.json")
    assert "/proc/nowhere" in load_error(Path("/proc/nowhere/secrets.json"))


# Loading


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o777])
@pytest.mark.parametrize("is_strict", [False, True])
def test_a_file_that_others_can_access_is_rejected_with_the_fix(
    existing: Path, mode: int, is_strict: bool
) -> None:
    existing.chmod(mode)

    assert load_error(existing, is_strict=is_strict).endswith(f" Fix: chmod 600 {existing}")


def test_a_read_only_file_is_accepted(existing: Path) -> None:
    keys = load_keys(existing)
    existing.chmod(0o400)

    assert load_keys(existing) == keys


def broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing.json")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("replace", [broken_link, directory, pipe])
def test_only_a_regular_file_is_accepted(existing: Path, replace: Callable[[Path], None]) -> None:
    replace(existing)

    assert load_error(existing).startswith(f"{existing} is not a regular file, nor a link to one")


def test_an_invalid_document_is_reported_with_its_path(existing: Path) -> None:
    edit_secrets_file(existing, lambda document: document.update(signing=[]))

    error = load_error(existing)

    assert error.startswith(f'The secrets file {existing} is invalid: "signing" is missing')


def test_a_binary_file_is_rejected(existing: Path) -> None:
    existing.write_bytes(os.urandom(2_000_000))

    assert "it is not JSON" in load_error(existing)


# Strict checks, for production


def test_a_created_file_passes_the_strict_checks(existing: Path) -> None:
    assert load_secrets_file(existing, is_strict=True).keys == load_keys(existing)


def test_a_weak_key_is_rejected_only_by_strict_checks(existing: Path) -> None:
    key = "A" * 43 + "="
    edit_secrets_file(existing, lambda document: document["otp_pepper"][0].update(key=key))

    error = load_error(existing, is_strict=True)

    assert '"otp_pepper[0].key" is not random' in error
    assert key not in error
    load_keys(existing)


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


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_path_of_another_user_is_rejected_by_strict_checks(
    existing: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = existing if kind == "file" else existing.parent
    user = os.geteuid()
    as_owned_by({foreign: user + 1}, monkeypatch)

    error = load_error(existing, is_strict=True)

    assert error.startswith(f"{foreign} belongs to another user")
    assert f"uid {user}" in error


def test_a_path_of_root_passes_the_strict_checks(
    existing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat_path = Path.stat

    def stat_as_root(self: Path, **options: bool) -> os.stat_result:
        status = stat_path(self, **options)
        return os.stat_result((*status[:4], 0, *status[5:]))

    monkeypatch.setattr(Path, "stat", stat_as_root)

    load_secrets_file(existing, is_strict=True)


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


def test_a_link_passes_the_strict_checks(mounted: Path) -> None:
    assert load_secrets_file(mounted, is_strict=True).keys == load_keys(mounted)


@pytest.mark.parametrize("foreign", [".", "..data", "..2026_11_21", "..2026_11_21/secrets.json"])
def test_no_other_user_can_replace_a_part_of_a_link(
    mounted: Path, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mounted.parent / foreign
    as_owned_by({path: os.geteuid() + 1}, monkeypatch)

    error = load_error(mounted, is_strict=True)

    assert error.startswith(f"{path} belongs to another user")


def test_links_in_a_circle_are_an_error(existing: Path) -> None:
    existing.unlink()
    existing.symlink_to(existing.name)

    assert "Too many levels of symbolic links" in load_error(existing, is_strict=True)


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


def test_a_bind_mount_of_the_root_file_system_is_a_mounted_secret(
    existing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing.chmod(0o644)
    mount_read_only(existing, monkeypatch, device=Path("/").stat().st_dev)

    assert load_keys(existing)


def test_a_read_only_root_file_system_is_no_mounted_secret(
    existing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing.chmod(0o644)
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
    load_secrets_file(path, is_strict=True)


def test_generated_keys_are_accepted_in_production_with_any_umask(path: Path) -> None:
    umask = os.umask(0o002)
    try:
        assert generate_secrets_file(path) is None
    finally:
        os.umask(umask)

    load_secrets_file(path, is_strict=True)


def test_a_folder_that_production_rejects_is_reported_at_once(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)

    assert str(generate_secrets_file(path)).endswith(f" Fix: chmod go-w {path.parent}")
