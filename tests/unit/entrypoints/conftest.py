from collections.abc import Iterator

import pytest

from tests.support.settings import keys_parsed_once


@pytest.fixture(scope="session", autouse=True)
def _keys_parsed_once() -> Iterator[None]:
    with keys_parsed_once():
        yield
