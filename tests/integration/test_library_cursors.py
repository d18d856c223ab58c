"""Any cursor in a query gets a page or an error that names it."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrypoints.http.dependencies import HttpSettings
from tests.integration.http_driver import HttpDriver, open_http_driver
from tests.support.examples import examples


class LibraryDriver:
    """Requests pages of an empty library as a signed-in user."""

    def __init__(self, driver: HttpDriver) -> None:
        self._driver = driver
        self._token = driver.token()

    def invalid_fields(self, query: bytes) -> set[str]:
        """Return the invalid fields; without any, the response must be an empty page."""
        response = self._driver.get("/library", query, self._token)
        if response.status == 200:
            assert (response.body["items"], response.body["next_cursor"]) == ([], None)
            return set()
        assert (response.status, response.body["code"]) == (400, "invalid")
        assert response.body["errors"]
        return set(response.body["errors"])


@pytest.fixture(scope="module")
def library() -> Iterator[LibraryDriver]:
    with open_http_driver(HttpSettings("1", "http://test", 1000)) as driver:
        yield LibraryDriver(driver)


@given(st.text(max_size=60))
@example("\0")
@example("0" * 5000)
@settings(max_examples=examples(40))
def test_a_text_that_is_not_a_cursor_is_rejected(library: LibraryDriver, text: str) -> None:
    assert library.invalid_fields(b"cursor=" + quote(text, safe="").encode()) == {"cursor"}


@given(st.from_regex("[0-9a-f]{38}", fullmatch=True))
@example("f" * 38)
@example("0" * 38)
@settings(max_examples=examples(20))
def test_a_cursor_after_which_there_are_no_items_gives_an_empty_page(
    library: LibraryDriver, cursor: str
) -> None:
    assert library.invalid_fields(f"cursor={cursor}".encode()) == set()


@given(st.binary(max_size=40))
@settings(max_examples=examples(40))
def test_any_bytes_in_a_query_get_a_page_or_an_error_with_field_names(
    library: LibraryDriver, query: bytes
) -> None:
    library.invalid_fields(b"cursor=" + query)
