import pytest

from adapters.secrets_file import FileRefreshKeys
from application.ports.refresh_keys import RefreshKeys
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.fakes.refresh_keys import FakeRefreshKeys

NEWER, OLDER = b"n" * 32, b"o" * 32


def fake() -> RefreshKeys:
    return FakeRefreshKeys(NEWER, OLDER)


def file() -> RefreshKeys:
    return FileRefreshKeys(FakeKeyRing(("0000000b", NEWER), ("0000000a", OLDER)))


@pytest.fixture(params=[fake, file], ids=lambda make: make.__name__)
def refresh_keys(request: pytest.FixtureRequest) -> RefreshKeys:
    made: RefreshKeys = request.param()
    return made


def test_one_key_signs(refresh_keys: RefreshKeys) -> None:
    assert refresh_keys.signing() == NEWER


def test_every_key_is_accepted_newest_first(refresh_keys: RefreshKeys) -> None:
    assert list(refresh_keys.accepted()) == [NEWER, OLDER]
