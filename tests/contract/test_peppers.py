import pytest

from adapters.secrets_file import FilePeppers
from application.ports.peppers import Peppers
from tests.fakes.key_ring import FakeKeyRing
from tests.fakes.peppers import FakePeppers

KEYS = {"0000000a": b"a" * 32, "0000000b": b"b" * 32}


def fake() -> Peppers:
    return FakePeppers(KEYS)


def file() -> Peppers:
    return FilePeppers(FakeKeyRing(*KEYS.items()))


@pytest.fixture(params=[fake, file], ids=lambda make: make.__name__)
def peppers(request: pytest.FixtureRequest) -> Peppers:
    made: Peppers = request.param()
    return made


def test_the_first_key_is_the_current_one(peppers: Peppers) -> None:
    assert peppers.current() == "0000000a"


@pytest.mark.parametrize("key_id", KEYS)
def test_every_key_is_found_by_its_id(peppers: Peppers, key_id: str) -> None:
    assert peppers.key(key_id) == KEYS[key_id]


@pytest.mark.parametrize("key_id", ["", "0000000c"])
def test_of_an_id_that_is_here_no_more_there_is_no_key(peppers: Peppers, key_id: str) -> None:
    assert peppers.key(key_id) is None
