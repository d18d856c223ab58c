"""Rotating the secrets file on a real disk."""

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from adapters.security.keys.file import lock_for_replacing
from adapters.security.keys.keys import RELOAD_INTERVAL
from adapters.security.keys.rotation import ROTATED_PURPOSES, RotatedKeys, rotate_secrets_file
from application.ports.errors import ConfigurationError
from application.ports.keys import KeyPurpose
from tests.support.keys import edit_secrets_file, load_keys

LIFETIMES: Final = dict.fromkeys(ROTATED_PURPOSES, timedelta(days=90))


@pytest.fixture
def now(secrets_path: Path) -> datetime:
    """Return a time at which the created keys are active."""
    return datetime.now(UTC) + timedelta(seconds=1)


def rotation_error(secrets_path: Path, now: datetime) -> str:
    with pytest.raises(ConfigurationError) as raised:
        rotate_secrets_file(secrets_path, now, LIFETIMES)
    return str(raised.value)


def test_a_new_key_is_active_when_all_processes_have_loaded_it(
    secrets_path: Path, now: datetime
) -> None:
    summary = rotate_secrets_file(secrets_path, now, LIFETIMES)

    keys = load_keys(secrets_path)
    assert summary == tuple(
        RotatedKeys(purpose, keys[purpose][0].id, keys[purpose][0].not_before, kept=1, removed=0)
        for purpose in ROTATED_PURPOSES
    )
    for rotated in summary:
        rounding = rotated.not_before - now - 2 * RELOAD_INTERVAL
        assert timedelta(0) <= rounding <= timedelta(seconds=1)


def test_a_second_rotation_fails_until_the_new_keys_are_active(
    secrets_path: Path, now: datetime
) -> None:
    not_before = rotate_secrets_file(secrets_path, now, LIFETIMES)[0].not_before
    rotated_once = secrets_path.read_bytes()

    error = rotation_error(secrets_path, not_before - timedelta(milliseconds=1))

    assert f"at {not_before:%Y-%m-%dT%H:%M:%SZ}" in error
    assert secrets_path.read_bytes() == rotated_once
    rotate_secrets_file(secrets_path, not_before, LIFETIMES)
    assert len(load_keys(secrets_path)[KeyPurpose.SIGNING]) == 3


def test_the_file_keeps_its_mode_and_owner_with_any_umask(
    secrets_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets_path.chmod(0o400)
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _, user, group: owners.append((user, group)))
    status, old, umask = secrets_path.stat(), secrets_path.read_text(), os.umask(0)
    try:
        with secrets_path.open() as opened:
            rotate_secrets_file(secrets_path, now, LIFETIMES)
            # A reader of the old file reads it to its end.
            assert opened.read() == old
    finally:
        os.umask(umask)

    assert stat.S_IMODE(secrets_path.stat().st_mode) == 0o400
    assert [*secrets_path.parent.iterdir()] == [secrets_path]
    assert owners == [(status.st_uid, status.st_gid)]


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda secrets_path: edit_secrets_file(
            secrets_path, lambda document: document["otp_pepper"][0].update(key="dG9wczNjcmV0")
        ),
        lambda secrets_path: secrets_path.with_name(".secrets.json.next").mkdir(),
    ],
    ids=["missing", "short key", "folder"],
)
def test_a_failed_rotation_names_the_file_and_leaves_it_unchanged(
    secrets_path: Path, now: datetime, damage: Callable[[Path], None]
) -> None:
    damage(secrets_path)
    before = secrets_path.read_bytes() if secrets_path.exists() else None

    error = rotation_error(secrets_path, now)

    assert str(secrets_path) in error
    assert "dG9wczNjcmV0" not in error
    assert (secrets_path.read_bytes() if secrets_path.exists() else None) == before


def test_of_two_rotations_at_once_one_fails_also_through_a_link(
    secrets_path: Path, tmp_path: Path, now: datetime
) -> None:
    link = tmp_path / "elsewhere" / "link.json"
    link.parent.mkdir()
    link.symlink_to(secrets_path)
    before = secrets_path.read_bytes()

    with lock_for_replacing(secrets_path):
        assert "Another process" in rotation_error(link, now)
        # Readers need no lock.
        assert load_keys(link) == load_keys(secrets_path)
        assert secrets_path.read_bytes() == before
    (rotated, *_) = rotate_secrets_file(link, now, LIFETIMES)

    assert link.is_symlink()
    assert load_keys(secrets_path)[rotated.purpose][0].id == rotated.key_id
    assert [file.name for file in link.parent.iterdir()] == ["link.json"]
