"""The port for keys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from adapters.security.keys.keys import ReloadingKeys
from adapters.security.keys.rotation import rotate_secrets_file
from application.ports.keys import KeyPurpose, KeyRing
from tests.support.fakes.clock import MovableClock
from tests.support.keys import FakeKeyRing, create_secrets_file

NEW, OLD = ("0000000b", b"n" * 32), ("0000000a", b"o" * 32)
LIFETIMES: Final = dict.fromkeys(KeyPurpose, timedelta(days=1))


def fake_key_set(_: Path) -> KeyRing:
    return FakeKeyRing(NEW, OLD, signs=OLD[0])


def file_key_set(directory: Path) -> KeyRing:
    path = directory / "secrets.json"
    create_secrets_file(path)
    now = datetime.now(UTC) + timedelta(seconds=1)
    rotate_secrets_file(path, now, LIFETIMES)
    return ReloadingKeys(path, MovableClock(now)).key_set(KeyPurpose.OTP_PEPPER)


@pytest.fixture(params=[fake_key_set, file_key_set], ids=lambda create: create.__name__)
def key_set(request: pytest.FixtureRequest, tmp_path: Path) -> KeyRing:
    """Return a set of two keys, of which the newer one is not yet active."""
    created: KeyRing = request.param(tmp_path)
    return created


def test_a_key_that_is_not_yet_active_is_accepted(key_set: KeyRing) -> None:
    new, old = key_set.accepted()

    assert key_set.signing() == old
    assert new != old


def test_a_repr_contains_no_key(key_set: KeyRing) -> None:
    key = key_set.signing()

    assert repr(key.key)[2:-1] not in repr(key)
