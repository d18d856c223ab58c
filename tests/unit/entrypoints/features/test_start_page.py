"""When there is a page at `/`, and when it may show messages."""

from dataclasses import replace
from typing import Any

import pytest

from entrypoints.features.start import http_start_page, keeps_messages
from entrypoints.http.features.start.plugin import HttpStartPageSettings
from entrypoints.settings.values import Environment
from tests.support.settings import settings


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"BIND": "localhost:8001"}, {"port": 8001}),
        ({"BIND": "[::1]:8000"}, {}),
        ({"BIND": "127.0.0.2:8000"}, {}),
        ({"TEST_OTPS": "+14155552671=123456@2099-01-01"}, {"has_test_otps": True}),
        ({"BIND": "0.0.0.0:8000"}, {"keeps_messages": False}),
        ({"WORKERS": "2"}, {"keeps_messages": False}),
        ({"TRUSTED_PROXIES": "127.0.0.1"}, {"keeps_messages": False}),
        ({"SMS": "console,our.own:sms", "COUNTRIES": "US"}, {"keeps_messages": False}),
        (
            {"SMS": "our.own:sms", "COUNTRIES": "US"},
            {"keeps_messages": False, "prints_messages": False},
        ),
    ],
)
def test_with_the_terminal_alone_at_a_loopback_address_the_page_may_show_messages(
    variables: dict[str, str], expected: dict[str, Any]
) -> None:
    read = settings(**variables)
    usual = HttpStartPageSettings(port=8000, prints_messages=True, keeps_messages=True)
    found = http_start_page(read)
    assert found == replace(usual, image_sources=read.image_sources, **expected)


def test_production_has_no_page_and_keeps_no_messages() -> None:
    production = replace(settings(), env=Environment.PRODUCTION)
    assert http_start_page(production) is None
    assert not keeps_messages(production)
