"""When there is a web console, and what it needs."""

import pytest

from entrypoints.features.console import ConsoleSettings
from tests.support.settings import problem, settings


@pytest.mark.parametrize(
    "public_url", ["http://localhost:8000", "https://dialtone.example.org:8443/"]
)
def test_a_console_is_an_option_and_needs_https_or_this_machine(public_url: str) -> None:
    assert not settings(PUBLIC_URL=public_url).of(ConsoleSettings).has_console
    for bind in ("127.0.0.1:8000", "0.0.0.0:8000"):
        read = settings(WEB_CONSOLE="yes", BIND=bind, PUBLIC_URL=public_url)
        assert read.of(ConsoleSettings).has_console


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"PUBLIC_URL": "http://dialtone.example.org"}, "Must begin with https://"),
        ({"BIND": "192.168.1.7:8000"}, "Must begin with https://"),
        ({"PUBLIC_URL": "https://example.org/dialtone"}, "Must have no path"),
    ],
    ids=str,
)
def test_another_address_is_an_error_that_names_the_fix(
    variables: dict[str, str], text: str
) -> None:
    line = problem(WEB_CONSOLE="yes", **variables)
    assert line.startswith(f"DIALTONE_PUBLIC_URL: {text}")
    assert "DIALTONE_WEB_CONSOLE=yes" in line
