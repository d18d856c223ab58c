"""When there is a page at `/`, and when it may show messages."""

from dataclasses import replace

import pytest

from entrypoints.features.start import http_start_page, keeps_messages
from entrypoints.settings.values import Environment
from tests.support.settings import settings


@pytest.mark.parametrize("bind", ["localhost:8001", "[::1]:8000", "127.0.0.2:80"])
def test_in_development_with_the_terminal_alone_the_page_may_show_messages(bind: str) -> None:
    read = settings(BIND=bind)
    page = http_start_page(read)
    assert page is not None
    assert page.keeps_messages
    assert page.prints_messages
    assert page.port == read.bind.port


@pytest.mark.parametrize(
    "variables",
    [
        {"BIND": "0.0.0.0:8000"},
        {"WORKERS": "2"},
        {"TRUSTED_PROXIES": "127.0.0.1"},
        {"SMS": "console,our.own:messenger", "COUNTRIES": "US"},
    ],
    ids=str,
)
def test_another_service_in_development_has_a_page_without_messages(
    variables: dict[str, str],
) -> None:
    page = http_start_page(settings(**variables))
    assert page is not None
    assert not page.keeps_messages
    assert page.prints_messages == ("console" in variables.get("SMS", "console"))


def test_the_page_knows_that_test_phones_get_no_message() -> None:
    read = settings(TEST_OTPS="+14155552671=123456@2099-01-01")
    assert not http_start_page(settings()).has_test_otps  # type: ignore[union-attr]
    assert http_start_page(read).has_test_otps  # type: ignore[union-attr]


def test_production_has_no_page_and_keeps_no_messages() -> None:
    production = replace(settings(), env=Environment.PRODUCTION)
    assert http_start_page(production) is None
    assert not keeps_messages(production)
