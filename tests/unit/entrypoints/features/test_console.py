"""When there is a web console, and what it needs."""

from entrypoints.features.console import ConsoleSettings
from tests.support.settings import settings


def test_a_console_is_an_option_and_needs_https_or_this_machine() -> None:
    assert not settings().of(ConsoleSettings).has_console
    for url in ("http://localhost:8000", "https://dialtone.example.org:8443/"):
        assert settings(WEB_CONSOLE="yes", PUBLIC_URL=url).of(ConsoleSettings).has_console
