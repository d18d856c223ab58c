from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.secrets_file import WatchedSecrets
from application.ports.key_ring import KeyRing
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.key_ring import FakeKeyRing

MakeRing = Callable[[Path], KeyRing]


def fake(_: Path) -> KeyRing:
    return FakeKeyRing(("0000000a", b"a" * 32))


def file(folder: Path) -> KeyRing:
    clock = MovableClock(datetime.now(UTC))
    return WatchedSecrets(folder / "secrets.json", clock, may_make=True).otp_keys


@pytest.fixture(params=[fake, file], ids=lambda make: make.__name__)
def ring(request: pytest.FixtureRequest, tmp_path: Path) -> KeyRing:
    made: KeyRing = request.param(tmp_path)
    return made


def test_the_key_that_signs_is_accepted(ring: KeyRing) -> None:
    assert ring.signing() in ring.accepted()


def test_what_is_accepted_is_the_same_object_as_long_as_nothing_changes(ring: KeyRing) -> None:
    assert ring.accepted() is ring.accepted()


def test_a_key_is_never_printed(ring: KeyRing) -> None:
    key = ring.signing()

    assert repr(key.key)[2:-1] not in repr(key)
