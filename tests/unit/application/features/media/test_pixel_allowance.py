"""One identity publishes a limited number of pixels in an hour."""

import pytest

from application.features.media.limits import PixelAllowance
from domain.features.media.errors import TooManyPixels
from tests.support.fakes.clock import SecondsClock


@pytest.fixture
def clock() -> SecondsClock:
    return SecondsClock(1_000_000.5)


@pytest.fixture
def allowance(clock: SecondsClock) -> PixelAllowance:
    return PixelAllowance(100, clock)


def test_retry_after_is_true(allowance: PixelAllowance, clock: SecondsClock) -> None:
    allowance.acquire("a", 50)
    clock.seconds += 1200
    allowance.acquire("a", 50)
    with pytest.raises(TooManyPixels) as of_50:
        allowance.acquire("a", 50)
    with pytest.raises(TooManyPixels) as of_51:
        allowance.acquire("a", 51)

    # An hour after the images, to the minute.
    assert 2400 <= of_50.value.retry_after <= 2460
    assert 3600 <= of_51.value.retry_after <= 3660
    clock.seconds += of_50.value.retry_after
    allowance.acquire("a", 50)


def test_never_more_than_the_allowance_in_any_hour(
    allowance: PixelAllowance, clock: SecondsClock
) -> None:
    published: list[float] = []
    for _ in range(2000):
        clock.seconds += 7
        try:
            allowance.acquire("a", 10)
        except TooManyPixels:
            continue
        published.append(clock.seconds)
        assert sum(10 for at in published if at > clock.seconds - 3600) <= 100
    assert len(published) >= 30
