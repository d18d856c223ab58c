"""Rotating the secrets file on a real disk, with real processes."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from adapters.key_file import (
    MIN_ROTATION_DELAY,
    RELOAD_INTERVAL,
    KeyPurpose,
    RotatedKeys,
    rotate_secrets_file,
)
from adapters.key_file.rotation import ROTATED_PURPOSES
from application.ports.errors import ConfigurationError
from tests.support.keys import create_secrets_file, edit_secrets_file, load_keys

PROJECT: Final = Path(__file__).parents[2]
LIFETIMES: Final = dict.fromkeys(ROTATED_PURPOSES, timedelta(days=90))

SETUP: Final = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from adapters.key_file import KeyPurpose, load_secrets_file, rotate_secrets_file
from adapters.key_file.rotation import ROTATED_PURPOSES
from application.ports.errors import ConfigurationError

path = Path(sys.argv[1])
now = datetime.now(UTC) + timedelta(seconds=1)
lifetimes = dict.fromkeys(KeyPurpose, timedelta(days=90))
"""

TWENTY_CONCURRENT_ROTATIONS: Final = f"""{SETUP}
wait, start = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        os.close(start)
        os.read(wait, 1)  # returns when the last process has closed the other end
        try:
            rotate_secrets_file(path, now, lifetimes)
        except ConfigurationError as error:
            assert "Rotate again after that" in str(error)
            os.write(1, b"failed\\n")
        else:
            os.write(1, b"rotated\\n")
        os._exit(0)
os.close(start)
for _ in range(20):
    assert os.wait()[1] == 0
"""

KILLED_AT_EVERY_LINE: Final = f"""{SETUP}
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

old = path.read_bytes()
before = load_secrets_file(path).keys
for line in range(1, 10_000):
    path.write_bytes(old)
    child = os.fork()
    if child == 0:
        kill_at(line)
        rotate_secrets_file(path, now, lifetimes)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    after = load_secrets_file(path).keys
    is_new = path.read_bytes() != old
    for purpose in ROTATED_PURPOSES:
        assert after[purpose][is_new:] == before[purpose], (line, purpose)
    print(os.WTERMSIG(status), is_new)
    if status == 0:
        break
path.write_bytes(old)
rotate_secrets_file(path, now, lifetimes)
print(*sorted(file.name for file in path.parent.iterdir()))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.json"
    create_secrets_file(path)
    return path


@pytest.fixture
def now() -> datetime:
    """Return a time at which the created keys are active."""
    return datetime.now(UTC) + timedelta(seconds=1)


def run(script: str, path: Path) -> list[str]:
    completed = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stderr == ""
    return completed.stdout.splitlines()


def rotation_error(path: Path, now: datetime) -> str:
    with pytest.raises(ConfigurationError) as raised:
        rotate_secrets_file(path, now, LIFETIMES)
    return str(raised.value)


def test_one_of_twenty_concurrent_rotations_succeeds(path: Path) -> None:
    before = load_keys(path)

    results = run(TWENTY_CONCURRENT_ROTATIONS, path)

    assert sorted(results) == ["failed"] * 19 + ["rotated"]
    assert load_keys(path)[KeyPurpose.SIGNING][1:] == before[KeyPurpose.SIGNING]


def test_a_rotation_killed_at_any_line_leaves_the_old_or_the_new_file(path: Path) -> None:
    *ends, files = run(KILLED_AT_EVERY_LINE, path)

    assert ends[-1] == "0 True"
    assert {"9 False", "9 True"} <= set(ends)
    assert files == "secrets.json"


def test_a_reader_of_the_old_file_reads_it_to_the_end(path: Path, now: datetime) -> None:
    old = path.read_text()

    with path.open() as file:
        rotate_secrets_file(path, now, LIFETIMES)
        assert file.read() == old


def test_the_temporary_file_of_a_killed_rotation_is_replaced(path: Path, now: datetime) -> None:
    path.with_name(".secrets.json.next").write_text("half a fi")

    rotate_secrets_file(path, now, LIFETIMES)

    assert len(load_keys(path)[KeyPurpose.SIGNING]) == 2
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]


def test_a_new_key_is_active_after_two_reload_intervals_at_the_earliest(
    path: Path, now: datetime
) -> None:
    for delay in (timedelta(0), RELOAD_INTERVAL):
        create_secrets_file(path)
        for rotated in rotate_secrets_file(path, now, LIFETIMES, delay=delay):
            rounding = rotated.not_before - now - 2 * RELOAD_INTERVAL
            assert timedelta(0) <= rounding <= timedelta(seconds=1)
            assert load_keys(path)[rotated.purpose][0].not_before == rotated.not_before
        path.unlink()


def test_an_operator_can_choose_a_longer_delay(path: Path, now: datetime) -> None:
    for rotated in rotate_secrets_file(path, now, LIFETIMES, delay=timedelta(hours=1)):
        assert rotated.not_before - now >= timedelta(hours=1)


def test_a_second_rotation_fails_until_the_new_keys_are_active(path: Path, now: datetime) -> None:
    not_before = rotate_secrets_file(path, now, LIFETIMES)[0].not_before
    rotated_once = path.read_bytes()

    error = rotation_error(path, not_before - timedelta(milliseconds=1))

    assert f"at {not_before:%Y-%m-%dT%H:%M:%SZ}" in error
    assert path.read_bytes() == rotated_once
    rotate_secrets_file(path, not_before, LIFETIMES)
    assert len(load_keys(path)[KeyPurpose.SIGNING]) == 3


def test_the_new_file_has_mode_0600_with_any_umask_and_old_mode(path: Path, now: datetime) -> None:
    path.chmod(0o400)
    umask = os.umask(0)
    try:
        rotate_secrets_file(path, now, LIFETIMES)
    finally:
        os.umask(umask)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secrets.json"]


def test_the_file_keeps_its_owner_when_another_user_rotates(
    path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners: list[tuple[int, int]] = []
    fchown, owner = os.fchown, (path.stat().st_uid, path.stat().st_gid)

    def record(descriptor: int, user: int, group: int) -> None:
        owners.append((user, group))
        fchown(descriptor, user, group)

    monkeypatch.setattr(os, "fchown", record)
    rotate_secrets_file(path, now, LIFETIMES)
    assert owners == []
    monkeypatch.setattr(os, "geteuid", lambda: owner[0] + 1)
    rotate_secrets_file(path, now + 2 * MIN_ROTATION_DELAY, LIFETIMES)

    assert owners == [owner]


def test_the_summary_matches_the_new_file(path: Path, now: datetime) -> None:
    summary = rotate_secrets_file(path, now, LIFETIMES)

    keys = load_keys(path)
    assert summary == tuple(
        RotatedKeys(purpose, keys[purpose][0].id, keys[purpose][0].not_before, kept=1, removed=0)
        for purpose in ROTATED_PURPOSES
    )


def missing_file(path: Path) -> None:
    path.unlink()


def missing_directory(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


def readable_by_others(path: Path) -> None:
    path.chmod(0o644)


def not_json(path: Path) -> None:
    path.write_text("{")


def short_key(path: Path) -> None:
    edit_secrets_file(path, lambda document: document["otp_pepper"][0].update(key="dG9wczNjcmV0"))


def directory_in_place_of_the_temporary_file(path: Path) -> None:
    path.with_name(".secrets.json.next").mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        missing_file,
        missing_directory,
        readable_by_others,
        not_json,
        short_key,
        directory_in_place_of_the_temporary_file,
    ],
    ids=lambda damage: damage.__name__,
)
def test_a_failed_rotation_names_the_file_and_leaves_it_unchanged(
    path: Path, now: datetime, damage: Callable[[Path], None]
) -> None:
    damage(path)
    before = path.read_bytes() if path.exists() else None

    error = rotation_error(path, now)

    assert str(path) in error
    assert "dG9wczNjcmV0" not in error
    assert (path.read_bytes() if path.exists() else None) == before


def test_the_file_that_a_link_leads_to_is_rotated(path: Path, now: datetime) -> None:
    link = path.with_name("link.json")
    link.symlink_to(path.name)
    (rotated, *_) = rotate_secrets_file(link, now, LIFETIMES)

    assert link.is_symlink()
    assert load_keys(path)[rotated.purpose][0].id == rotated.key_id
