import pytest

from adapters.secrets_file import FilePeppers
from application.ports.otp_keys import OtpKeys
from tests.support.fakes.key_ring import FakeKeyRing
from tests.support.fakes.peppers import FakePeppers

KEYS = {"0000000a": b"a" * 32, "0000000b": b"b" * 32}


def fake() -> OtpKeys:
    return FakePeppers(KEYS)


def file() -> OtpKeys:
    return FilePeppers(FakeKeyRing(*KEYS.items()))


@pytest.fixture(params=[fake, file], ids=lambda make: make.__name__)
def otp_keys(request: pytest.FixtureRequest) -> OtpKeys:
    made: OtpKeys = request.param()
    return made


def test_the_first_key_is_the_current_one(otp_keys: OtpKeys) -> None:
    assert otp_keys.current_id() == "0000000a"


@pytest.mark.parametrize("key_id", KEYS)
def test_every_key_is_found_by_its_id(otp_keys: OtpKeys, key_id: str) -> None:
    assert otp_keys.find_key(key_id) == KEYS[key_id]


@pytest.mark.parametrize("key_id", ["", "0000000c"])
def test_of_an_id_that_is_here_no_more_there_is_no_key(otp_keys: OtpKeys, key_id: str) -> None:
    assert otp_keys.find_key(key_id) is None
