import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.chromium import Chromium, open_chromium
from tests.support.npm_packages import install_npm_packages
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.servers.process import ServerUnavailable, find_or_install
from tests.support.service import Service, running

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Site:
    """A service, and the origins of two web apps; the service lists one of them."""

    service: Service
    listed: str
    foreign: str

    def wait_for_log(self) -> None:
        """Wait until the log has all requests so far: a line is written after its response."""
        response = httpx.get(f"{self.service.url}/health/live", **PLAIN_HTTP)
        request_id = response.headers["X-Request-Id"]
        self.service.wait_for(lambda: request_id in self.service.log)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    try:
        program = find_or_install("chromium")
    except ServerUnavailable as error:
        pytest.fail(f"These tests need Chromium. {error}", pytrace=False)
    with open_chromium(program, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with HttpServer(_respond_with_page) as pages:
        port = urlsplit(pages.url).port
        # Browsers resolve all names below localhost to this machine.
        listed, foreign = f"http://app.localhost:{port}", f"http://evil.localhost:{port}"
        folder = tmp_path_factory.mktemp("service")
        with running(folder, {"DIALTONE_WEB_ORIGINS": listed}) as service:
            yield Site(service, listed, foreign)


@pytest.fixture(scope="session")
def npm_packages() -> Path:
    """The `node_modules` of `npm/`."""
    try:
        return install_npm_packages(Path(__file__).with_name("npm"))
    except ServerUnavailable as error:
        pytest.fail(f"These tests need npm packages. {error}", pytrace=False)


@pytest.fixture(scope="session")
def axe(npm_packages: Path) -> str:
    """The script of axe-core, which finds what disabled people cannot use."""
    return (npm_packages / "axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def phone() -> str:
    """A phone that no other test uses."""
    return f"+1415559{next(_numbers):04d}"


def _respond_with_page(exchange: Exchange) -> None:
    page = b"<!DOCTYPE html><title>A web app</title>"
    exchange.respond(200, page, {"Content-Type": "text/html"})
