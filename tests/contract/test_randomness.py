import pytest

from adapters.system import SystemRandomness
from application.ports.system import Randomness
from tests.support.fakes.randomness import SeededRandomness


@pytest.fixture(params=[SeededRandomness, SystemRandomness])
def randomness(request: pytest.FixtureRequest) -> Randomness:
    made: Randomness = request.param()
    return made


@pytest.mark.parametrize("count", [0, 1, 8, 16, 1000])
def test_as_many_bytes_come_as_were_asked_for(randomness: Randomness, count: int) -> None:
    assert len(randomness.bytes(count)) == count


def test_no_bytes_come_twice(randomness: Randomness) -> None:
    assert len({randomness.bytes(16) for _ in range(1000)}) == 1000


def test_every_value_of_a_byte_comes(randomness: Randomness) -> None:
    assert set(randomness.bytes(10_000)) == set(range(256))
