"""When there is a web console, and what it needs."""

import pytest

from entrypoints.features.console import ConsoleSettings
from tests.support.settings import problem, settings


def test_there_is_no_console_by_default() -> None:
    assert not settings().of(ConsoleSettings).has_console
    assert not settings(WEB_CONSOLE="no").of(ConsoleSettings).has_console


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"BIND": "0.0.0.0:8000"},
        {"PUBLIC_URL": "http://localhost:8000"},
        {"PUBLIC_URL": "https://dialtone.example.org"},
        {"PUBLIC_URL": "https://dialtone.example.org:8443/"},
    ],
    ids=str,
)
def test_a_console_needs_https_or_this_machine(variables: dict[str, str]) -> None:
    assert settings(WEB_CONSOLE="yes", **variables).of(ConsoleSettings).has_console


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
