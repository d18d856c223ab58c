"""Where there can be passkeys, and at which origin."""

import pytest

from entrypoints.features.staff_passkeys import STAFF_PASSKEYS, explain_why_not, make_origin
from tests.support.settings import settings


def test_a_console_at_an_ip_address_says_that_nobody_can_use_passkeys() -> None:
    assert [*STAFF_PASSKEYS.notes(settings())] == []
    at_ip = settings(WEB_CONSOLE="yes")
    assert [*STAFF_PASSKEYS.notes(at_ip)] == [
        f"Nobody of the staff can use passkeys. {explain_why_not(at_ip)}"
    ]
    at_name = settings(WEB_CONSOLE="yes", PUBLIC_URL="http://localhost:8000")
    assert [*STAFF_PASSKEYS.notes(at_name)] == []


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Dialtone.Example.org:443", "https://dialtone.example.org"),
        ("https://dialtone.example.org:8443", "https://dialtone.example.org:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_the_origin_is_written_as_browsers_do(url: str, origin: str) -> None:
    assert make_origin(url) == origin
