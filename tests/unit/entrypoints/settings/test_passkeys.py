"""`DIALTONE_STAFF_PASSKEYS`, and where there can be passkeys."""

import pytest

from entrypoints.features.passkeys import PASSKEYS, explain_why_not, make_origin
from tests.support.settings import problems, settings

CONSOLE = {"DIALTONE_WEB_CONSOLE": "yes", "DIALTONE_STAFF_PASSKEYS": "required"}


@pytest.mark.parametrize(
    ("environ", "why_not"),
    [
        ({"DIALTONE_STAFF_PASSKEYS": "required"}, "set DIALTONE_WEB_CONSOLE=yes"),
        (CONSOLE, "has an IP address"),
        (CONSOLE | {"DIALTONE_PUBLIC_URL": "http://[::1]:8000"}, "has an IP address"),
    ],
    ids=["no console", "IP", "IPv6"],
)
def test_it_must_not_be_required_where_there_can_be_none(
    environ: dict[str, str], why_not: str
) -> None:
    assert why_not in problems(environ)["DIALTONE_STAFF_PASSKEYS"]


def test_a_console_at_an_ip_address_says_that_nobody_can_use_passkeys() -> None:
    at_ip = settings(WEB_CONSOLE="yes")
    assert [*PASSKEYS.notes(at_ip)] == [f"Nobody can use passkeys. {explain_why_not(at_ip)}"]
    at_name = settings(WEB_CONSOLE="yes", PUBLIC_URL="http://localhost:8000")
    assert [*PASSKEYS.notes(at_name)] == []


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
