"""Whatever stands in a query for a cursor gets an answer that names it."""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrypoints.http.http_settings import HttpSettings
from tests.integration.http_desk import HttpDesk
from tests.support.examples import examples


class Library:
    """The library as somebody who is signed in turns its pages."""

    def __init__(self, desk: HttpDesk) -> None:
        self._desk = desk
        self._token = desk.token()

    def refused_or_empty(self, query: bytes) -> set[str] | None:
        """The fields that are refused; None when there is a page, which nothing is on."""
        answer = self._desk.get("/library", query, self._token)
        if answer.status == 200:
            assert (answer.told["items"], answer.told["next_cursor"]) == ([], None)
            return None
        assert (answer.status, answer.told["code"]) == (400, "invalid")
        return set(answer.told["errors"])


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    with asyncio.Runner() as runner:
        desk = HttpDesk(runner, HttpSettings("1", "http://test", 1000))
        yield Library(desk)
        desk.close()


@given(st.text(max_size=60))
@example("\0")
@example("0" * 5000)
@settings(max_examples=examples(40))
def test_a_text_that_no_page_gave_is_refused_as_the_cursor(library: Library, text: str) -> None:
    assert library.refused_or_empty(b"cursor=" + quote(text, safe="").encode()) == {"cursor"}


@given(st.from_regex("[0-9a-f]{38}", fullmatch=True))
@example("f" * 38)
@example("0" * 38)
@settings(max_examples=examples(20))
def test_a_place_where_nothing_is_begins_an_empty_page(library: Library, cursor: str) -> None:
    assert library.refused_or_empty(f"cursor={cursor}".encode()) is None


@given(st.binary(max_size=40))
@settings(max_examples=examples(40))
def test_a_query_of_any_bytes_gets_a_page_or_is_refused_by_name(
    library: Library, query: bytes
) -> None:
    named = library.refused_or_empty(b"cursor=" + query)
    assert named is None or named
