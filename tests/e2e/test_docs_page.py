"""What `/docs` and `/openapi.json` know of the settings."""

from pathlib import Path
from typing import Any

import httpx

from tests.support.keys import create_secrets_file
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running

PRODUCTION = {
    "DIALTONE_ENV": "production",
    "DIALTONE_SINGLE_HOST": "yes",
    "DIALTONE_PUBLIC_URL": "https://dialtone.test",
    "DIALTONE_COUNTRIES": "US",
    "DIALTONE_TRUSTED_PROXIES": "none",
    "DIALTONE_SMS": "twilio",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "a secret",
    "TWILIO_FROM": "+15005550006",
}


def get_page_and_servers(service: Service) -> tuple[str, Any]:
    with httpx.Client(base_url=service.url, **PLAIN_HTTP) as http:
        return http.get("/docs").text, http.get("/openapi.json").json()["servers"]


def test_the_page_keeps_the_token_in_development(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        page, servers = get_page_and_servers(service)
        assert 'data-keeps-token="true"' in page
        assert servers == [{"url": service.url}]


def test_the_page_keeps_no_token_in_production(tmp_path: Path) -> None:
    create_secrets_file(tmp_path / "secrets.json")
    with running(tmp_path, PRODUCTION) as service:
        page, servers = get_page_and_servers(service)
        assert 'data-keeps-token="false"' in page
        assert servers == [{"url": "https://dialtone.test"}]
