"""Paths of the service as its clients see them."""

import pytest

from tests.support.http_settings import make_http_settings


@pytest.mark.parametrize(
    ("public_url", "path"),
    [
        ("http://127.0.0.1:8000", "/users/1"),
        ("https://api.example.org", "/users/1"),
        ("https://example.org/api/v1", "/api/v1/users/1"),
    ],
)
def test_a_path_is_below_that_of_the_public_url(public_url: str, path: str) -> None:
    assert make_http_settings(public_url).server.public_path("/users/1") == path
