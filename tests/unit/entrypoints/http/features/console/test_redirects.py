"""Where the sign-in of the console leads back to."""

import pytest

from entrypoints.http.features.console.render import HOME, parse_return_path


@pytest.mark.parametrize(
    "path", ["/console", "/console/audit?user=users&actor=user:1", "/console/library?c=a%3D"]
)
def test_a_page_of_the_console_is_kept(path: str) -> None:
    assert parse_return_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "", "https://evil.example/console", "//evil.example/console",  # a path of this host
        "/consoles", "/cönsole",  # below /console
        # No way out of it, however it is written.
        "/console/../admin/users", "/console//evil.example", "/console/%2e%2e/docs",
        "/console\\..\\docs", "/console/audit#x", "/console/audit\r\nSet-Cookie: a=b",
        "/console/sign-in", f"/console/{'a' * 500}",  # no loop, and a bounded length
    ],
)  # fmt: skip
def test_anything_else_leads_to_the_first_page(text: str) -> None:
    assert parse_return_path(text) == HOME
