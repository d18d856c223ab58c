"""An administrator signs in to the console, and out, in a real browser."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.browser.chromium import Chromium, Page
from tests.support.service import REASON, Service, running

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)

PHONE = "+14155590001"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environ = {"DIALTONE_WEB_CONSOLE": "yes", "DIALTONE_WEB_ORIGINS": "http://app.localhost"}
    with running(tmp_path_factory.mktemp("console"), environ) as started:
        httpx.post(f"{started.url}/auth/request-otp", json={"phone": PHONE})
        body = {"phone": PHONE, "otp": started.code(PHONE)}
        assert httpx.post(f"{started.url}/auth/verify-otp", json=body).json()["success"]
        assert started.run("user", "promote", PHONE, *REASON).returncode == 0
        yield started


def send_form(page: Page, **fields: str) -> None:
    """Fill in the first form of the page, send it, and wait for the next page."""
    page.run(
        f"""
        for (const [name, value] of Object.entries({json.dumps(fields)}))
            document.getElementById(name).value = value;
        document.querySelector("main form button").click();
        """
    )
    page.chromium.wait_for("Page.loadEventFired")


def shown(page: Page) -> tuple[str, str]:
    """Return the path and the heading of the page."""
    path, heading = page.run("return [location.pathname, document.querySelector('h1').innerText]")
    return path, heading


def test_a_browser_keeps_the_cookies_of_the_console_and_sends_its_forms(
    service: Service, chromium: Chromium
) -> None:
    with chromium.page(f"{service.url}/console/costs") as page:
        assert shown(page) == ("/console/sign-in", "Sign in")
        send_form(page, phone=PHONE)
        assert shown(page) == ("/console/sign-in", "Enter the code")
        send_form(page, otp=service.code(PHONE, 2))
        assert shown(page)[0] == "/console/costs"
        page.run("document.querySelector('header form button').click()")
        chromium.wait_for("Page.loadEventFired")
        assert shown(page) == ("/console/sign-in", "Sign in")
        page.run("history.back()")
        chromium.wait_for("Page.loadEventFired")
        assert shown(page)[0] == "/console/sign-in"
