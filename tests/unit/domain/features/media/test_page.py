"""Pages of the library."""

from domain.features.media.item import PageRequest


def test_a_page_has_ten_items_unless_requested_and_at_most_a_hundred() -> None:
    requests = PageRequest(), PageRequest(3, 25), PageRequest(2, 1000)
    assert [request.page_size for request in requests] == [10, 25, 100]
