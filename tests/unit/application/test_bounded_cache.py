"""The bounded cache."""

from application.bounded_cache import BoundedCache


def test_what_was_used_recently_stays_and_the_rest_makes_room() -> None:
    cache = BoundedCache[int, str](8)
    for number in range(100):
        cache.put(number, str(number))
        assert cache.get(0) == "0"

    assert len(cache) <= 8
    assert cache.get(99) == "99"
    assert cache.get(50) is None


def test_what_is_removed_is_gone() -> None:
    cache = BoundedCache[int, str](4)
    for number in range(4):
        cache.put(number, str(number))
    cache.remove(0)
    cache.remove(3)
    cache.remove(4)
    assert [number for number in range(5) if cache.get(number)] == [1, 2]

    cache.clear()
    assert len(cache) == 0
