"""Pages are counted from one and hold a hundred items at the most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.media.page import Cursor, Page, PageRequest
from tests.support.builders import NOW, an_id, an_item


def test_the_first_page_begins_at_the_first_item() -> None:
    assert (PageRequest().number, PageRequest().page_size, PageRequest().offset) == (1, 10, 0)


def test_the_pages_before_it_are_passed_over() -> None:
    assert PageRequest(3, 25).offset == 50


def test_more_than_a_hundred_a_page_is_a_hundred() -> None:
    request = PageRequest(2, 1000)
    assert (request.page_size, request.offset) == (100, 100)


def test_behind_an_item_is_a_place_that_outlives_it() -> None:
    assert Cursor.after_item(an_item(id=an_id(7))) == Cursor(NOW, an_id(7))


@pytest.mark.parametrize(
    ("total", "pages"), [(0, 0), (1, 1), (9, 1), (10, 1), (11, 2), (100, 10), (101, 11)]
)
def test_the_last_page_may_be_short(total: int, pages: int) -> None:
    assert Page([], total, PageRequest(1, 10)).total_pages == pages


@given(st.integers(0, 500), st.integers(1, 300))
def test_all_pages_together_hold_every_item_once(total: int, per_page: int) -> None:
    pages = Page([], total, PageRequest(1, per_page)).total_pages
    requests = [PageRequest(number, per_page) for number in range(1, pages + 1)]
    held = [
        place
        for request in requests
        for place in range(request.offset, min(total, request.offset + request.page_size))
    ]
    assert held == [*range(total)]
