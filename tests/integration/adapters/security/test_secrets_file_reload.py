"""Reloading the secrets file while the service runs."""

import logging
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.security.keys.document import KeysByPurpose, generate_entry
from adapters.security.keys.keys import RELOAD_INTERVAL, ReloadingKeys
from application.ports.keys import KeyPurpose
from tests.support.fakes.clock import MovableClock
from tests.support.keys import create_secrets_file, edit_secrets_file, load_keys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "secrets.json"
    create_secrets_file(path)
    path.parent.chmod(0o755)
    return path


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(datetime.now(UTC))


@pytest.fixture
def keys(path: Path, clock: MovableClock) -> ReloadingKeys:
    return ReloadingKeys(path, clock)


def add_pepper(path: Path) -> KeysByPurpose:
    """Add a pepper in front and return the new keys of the file."""
    entry = generate_entry(KeyPurpose.OTP_PEPPER, datetime.now(UTC))
    edit_secrets_file(path, lambda document: document["otp_pepper"].insert(0, entry))
    return load_keys(path)


def test_the_file_is_checked_after_an_interval_and_not_earlier(
    path: Path, clock: MovableClock, keys: ReloadingKeys
) -> None:
    before = keys.current()
    os.utime(path)
    clock.advance(RELOAD_INTERVAL)
    assert keys.current() is before
    after = add_pepper(path)

    clock.advance(RELOAD_INTERVAL - timedelta(milliseconds=1))
    assert keys.current() is before
    clock.advance(timedelta(milliseconds=1))
    assert keys.current() == after
    accepted = keys.key_set(KeyPurpose.OTP_PEPPER).accepted()
    assert accepted == after[KeyPurpose.OTP_PEPPER]


def rotate_encryption(path: Path, clock: MovableClock) -> str:
    """Add an encryption key in front that is current after a minute; return its id."""
    entry = generate_entry(KeyPurpose.PHONE_ENCRYPTION, clock.now() + timedelta(minutes=1))
    edit_secrets_file(path, lambda document: document["phone_encryption"].insert(0, entry))
    return str(entry["id"])


def test_a_newer_key_encrypts_when_the_database_knows_it(
    path: Path, clock: MovableClock, keys: ReloadingKeys
) -> None:
    encryption = keys.encryption_keys()
    first = encryption.signing().id
    encryption.require(first)
    second = rotate_encryption(path, clock)
    clock.advance(timedelta(minutes=2))
    assert (encryption.due(), encryption.signing().id) == (second, first)
    encryption.require(second)
    assert encryption.signing().id == second


def test_an_older_file_drops_no_key_and_is_named_until_the_newest_is_back(
    path: Path, clock: MovableClock, keys: ReloadingKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    older = path.read_text()
    newest = rotate_encryption(path, clock)
    newer = path.read_text()
    clock.advance(timedelta(minutes=2))
    keys.encryption_keys().require(keys.encryption_keys().due())
    before = keys.current()

    path.write_text(older)
    for _ in range(2):
        clock.advance(RELOAD_INTERVAL)
        assert keys.current() is before
    assert newest in str(keys.problem)
    path.write_text(newer)
    clock.advance(RELOAD_INTERVAL)
    keys.current()
    assert str(keys.problem) == "None"
    events = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert events[-2:] == ["secrets_reload_failed", "secrets_reload_recovered"]


def test_a_key_of_another_instance_is_missed_until_the_file_has_it(
    path: Path, clock: MovableClock, keys: ReloadingKeys
) -> None:
    encryption = keys.encryption_keys()
    current = encryption.signing()
    encryption.require("0000000b")
    assert keys.problem is not None
    assert encryption.signing() == current


def missing(path: Path) -> None:
    path.rename(path.with_name("moved.json"))


def half_written(path: Path) -> None:
    path.write_text(path.read_text()[:400])


def readable_by_others(path: Path) -> None:
    path.chmod(0o644)


def file_of_another_service(path: Path) -> None:
    path.unlink()
    create_secrets_file(path)


@pytest.mark.parametrize(
    "damage",
    [missing, half_written, readable_by_others, file_of_another_service],
    ids=lambda damage: damage.__name__,
)
def test_an_unusable_file_keeps_the_keys_and_is_logged_once(
    path: Path,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
) -> None:
    keys = ReloadingKeys(path, clock, create_missing=True, is_strict=True)
    before = keys.current()
    damage(path)

    for _ in range(5):
        clock.advance(RELOAD_INTERVAL)
        assert keys.current() is before

    (record,) = caplog.records
    event: Any = record.msg
    assert (record.levelno, event["event"]) == (logging.ERROR, "secrets_reload_failed")
    assert str(path) in event["reason"]
    assert path.exists() == (damage is not missing)
    for keys_of_purpose in before.values():
        for key in keys_of_purpose:
            assert repr(key.key)[2:-1] not in caplog.text


def test_another_version_of_a_mounted_secret_is_loaded(path: Path, clock: MovableClock) -> None:
    # As Kubernetes changes it: the link to the folder is replaced.
    mount = path.with_name("mount")
    for version in ("..1", "..2"):
        (mount / version).mkdir(parents=True)
        shutil.copy(path, mount / version)
    (mount / "..data").symlink_to("..1")
    (mount / path.name).symlink_to(f"..data/{path.name}")
    keys = ReloadingKeys(mount / path.name, clock)
    second = add_pepper(mount / "..2" / path.name)
    (mount / "..next").symlink_to("..2")
    (mount / "..next").replace(mount / "..data")

    clock.advance(RELOAD_INTERVAL)

    assert keys.current() == second
