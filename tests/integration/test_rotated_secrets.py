"""Rotating the secrets file, on a real disk and with real processes."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from adapters.secrets_file import (
    RELOAD_INTERVAL,
    SHORTEST_DELAY,
    Lives,
    RotatedList,
    SecretsNotUsable,
    rotate_secrets,
)
from tests.support.secrets_files import change_secrets, made_secrets, read_secrets

PROJECT: Final = Path(__file__).parents[2]
LIVES: Final = Lives(
    codes=timedelta(minutes=5), access_tokens=timedelta(days=90), refresh_tokens=timedelta(days=90)
)

BEGINNING: Final = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from adapters.secrets_file import Lives, SecretsNotUsable, load_or_make_secrets, rotate_secrets

path = Path(sys.argv[1])
now = datetime.now(UTC) + timedelta(seconds=1)
lives = Lives(**dict.fromkeys(("codes", "access_tokens", "refresh_tokens"), timedelta(days=90)))
"""

TWENTY_AT_ONCE: Final = f"""{BEGINNING}
wait, go = os.pipe()
for _ in range(20):
    if os.fork() == 0:
        os.close(go)
        os.read(wait, 1)  # returns when the last holder of the other end lets go
        try:
            rotate_secrets(path, now, lives)
        except SecretsNotUsable as refusal:
            assert "rotate again after that" in str(refusal)
            os.write(1, b"refused\\n")
        else:
            os.write(1, b"rotated\\n")
        os._exit(0)
os.close(go)
for _ in range(20):
    assert os.wait()[1] == 0
"""

KILLED_AT_EVERY_LINE: Final = f"""{BEGINNING}
def kill_at(line):
    left = line
    def trace(frame, event, _):
        nonlocal left
        if "secrets_file" not in frame.f_code.co_filename:
            return None
        left -= event == "line"
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)

old = path.read_bytes()
before = load_or_make_secrets(path, may_make=False)
for line in range(1, 10_000):
    path.write_bytes(old)
    child = os.fork()
    if child == 0:
        kill_at(line)
        rotate_secrets(path, now, lives)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    after = load_or_make_secrets(path, may_make=False)
    is_new = path.read_bytes() != old
    assert after.signing_keys[is_new:] == before.signing_keys, line
    assert after.refresh_keys[is_new:] == before.refresh_keys, line
    assert after.peppers[is_new:] == before.peppers, line
    print(os.WTERMSIG(status), is_new)
    if status == 0:
        break
path.write_bytes(old)
rotate_secrets(path, now, lives)
print(*sorted(one.name for one in path.parent.iterdir()))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.json"
    made_secrets(path)
    return path


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def run(script: str, path: Path) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def refusal(path: Path, now: datetime) -> str:
    with pytest.raises(SecretsNotUsable) as refused:
        rotate_secrets(path, now, LIVES)
    return str(refused.value)


def test_of_twenty_rotations_at_once_one_is_done(path: Path) -> None:
    before = read_secrets(path)

    ends = run(TWENTY_AT_ONCE, path)

    assert sorted(ends) == ["refused"] * 19 + ["rotated"]
    assert read_secrets(path).signing_keys[1:] == before.signing_keys


def test_killed_at_any_line_it_leaves_the_old_file_or_the_new_one(path: Path) -> None:
    *ends, left = run(KILLED_AT_EVERY_LINE, path)

    assert ends[-1] == "0 True"
    assert {"9 False", "9 True"} <= set(ends)
    assert left == "secrets.json"


def test_who_is_reading_the_old_file_reads_it_to_its_end(path: Path, now: datetime) -> None:
    old = path.read_text()

    with path.open() as reading:
        rotate_secrets(path, now, LIVES)
        assert reading.read() == old


def test_what_a_killed_rotation_left_is_in_nobodys_way(path: Path, now: datetime) -> None:
    path.with_name(".secrets.json.next").write_text("half a fi")

    rotate_secrets(path, now, LIVES)

    assert len(read_secrets(path).signing_keys) == 2
    assert [one.name for one in path.parent.iterdir()] == ["secrets.json"]


def test_a_new_key_is_used_no_sooner_than_two_intervals_from_now(path: Path, now: datetime) -> None:
    for delay in (timedelta(0), RELOAD_INTERVAL):
        made_secrets(path)
        for one in rotate_secrets(path, now, LIVES, delay=delay):
            late = one.signs_from - now - 2 * RELOAD_INTERVAL
            assert timedelta(0) <= late <= timedelta(seconds=1)
        assert read_secrets(path).otp_keys[0].not_before == one.signs_from
        path.unlink()


def test_it_is_used_as_late_as_the_operator_likes(path: Path, now: datetime) -> None:
    for one in rotate_secrets(path, now, LIVES, delay=timedelta(hours=1)):
        assert one.signs_from - now >= timedelta(hours=1)


def test_a_second_rotation_is_refused_as_long_as_the_first_waits(path: Path, now: datetime) -> None:
    signs_from = rotate_secrets(path, now, LIVES)[0].signs_from
    once = path.read_bytes()

    told = refusal(path, signs_from - timedelta(milliseconds=1))

    assert f"until {signs_from:%Y-%m-%dT%H:%M:%SZ}" in told
    assert path.read_bytes() == once
    rotate_secrets(path, signs_from, LIVES)
    assert len(read_secrets(path).signing_keys) == 3


def test_the_new_file_is_its_owners_alone_whatever_the_umask_and_the_old_mode(
    path: Path, now: datetime
) -> None:
    path.chmod(0o400)
    before = os.umask(0)
    try:
        rotate_secrets(path, now, LIVES)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secrets.json"]


def test_the_file_stays_its_owners_when_another_user_rotates(
    path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    give, owner = os.fchown, (path.stat().st_uid, path.stat().st_gid)

    def noted(descriptor: int, user: int, group: int) -> None:
        given.append((user, group))
        give(descriptor, user, group)

    monkeypatch.setattr(os, "fchown", noted)
    rotate_secrets(path, now, LIVES)
    assert given == []
    monkeypatch.setattr(os, "geteuid", lambda: owner[0] + 1)
    rotate_secrets(path, now + 2 * SHORTEST_DELAY, LIVES)

    assert given == [owner]


def test_what_is_told_of_it_is_so_and_holds_no_key(path: Path, now: datetime) -> None:
    told = rotate_secrets(path, now, LIVES)

    secrets = read_secrets(path)
    assert told == tuple(
        RotatedList(name, keys[0].id, keys[0].not_before, 1, 0)
        for name, keys in (
            ("signing_keys", secrets.signing_keys),
            ("refresh_keys", secrets.refresh_keys),
            ("otp_keys", secrets.otp_keys),
        )
    )


def gone(path: Path) -> None:
    path.unlink()


def without_its_folder(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


def readable_by_others(path: Path) -> None:
    path.chmod(0o644)


def broken(path: Path) -> None:
    path.write_text("{")


def with_half_a_key(path: Path) -> None:
    change_secrets(path, lambda document: document["otp_keys"][0].update(key="dG9wczNjcmV0"))


def with_a_folder_in_the_way(path: Path) -> None:
    path.with_name(".secrets.json.next").mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        gone,
        without_its_folder,
        readable_by_others,
        broken,
        with_half_a_key,
        with_a_folder_in_the_way,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_a_file_that_cannot_be_rotated_is_told_of_and_stays(
    path: Path, now: datetime, spoil: Callable[[Path], None]
) -> None:
    spoil(path)
    before = path.read_bytes() if path.exists() else None

    told = refusal(path, now)

    assert str(path) in told
    assert "dG9wczNjcmV0" not in told
    assert (path.read_bytes() if path.exists() else None) == before
