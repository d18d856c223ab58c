import pytest

from adapters.system import SystemRandomness
from application.ports.system import Randomness
from tests.support.fakes.randomness import SeededRandomness


@pytest.fixture(params=[SeededRandomness, SystemRandomness])
def randomness(request: pytest.FixtureRequest) -> Randomness:
    randomness: Randomness = request.param()
    return randomness


@pytest.mark.parametrize("count", [0, 1, 8, 16, 1000])
def test_the_requested_number_of_bytes_is_returned(randomness: Randomness, count: int) -> None:
    assert len(randomness.bytes(count)) == count


def test_all_values_of_a_byte_are_returned(randomness: Randomness) -> None:
    assert set(randomness.bytes(10_000)) == set(range(256))
