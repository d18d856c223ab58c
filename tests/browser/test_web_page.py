"""The code of `docs/web.md` gets codes by proofs in a browser, with the policy of that page."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.chromium import Chromium
from tests.support.npm_packages import install_npm_packages
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.servers.process import ServerUnavailable
from tests.support.service import Service, running

# Installing Chromium and npm packages may take minutes.
pytestmark = pytest.mark.timeout(600)

WEB_PAGE: Final = (Path(__file__).parents[2] / "docs/web.md").read_text(encoding="utf-8")
API: Final = "https://api.example.org"
# Strangers have 270 of these messages, requests with a proof 90. A network has 5 %: 14, and 5.
LIMIT: Final = "600/1h"
NETWORK_SHARE: Final = 14
RECORD_VIOLATIONS: Final = """
    const violations = [];
    addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) =>
        violations.push(`${violatedDirective} ${blockedURI}`));
"""


@dataclass(frozen=True, slots=True)
class WebApp:
    """A service that asks for proofs, and a web app at another origin with the code of the page."""

    service: Service
    url: str


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebApp]:
    try:
        packages = install_npm_packages(Path(__file__).with_name("npm"))
    except ServerUnavailable as error:
        pytest.fail(f"These tests need npm packages. {error}", pytrace=False)
    files: dict[str, bytes] = {}

    def serve(exchange: Exchange) -> None:
        path = urlsplit(exchange.path).path
        kind = {".js": "text/javascript", ".css": "text/css"}.get(Path(path).suffix, "text/html")
        policy = files["policy"].decode()
        exchange.respond(
            200 if path in files else 404,
            files.get(path, b""),
            {"Content-Type": kind, "Content-Security-Policy": policy},
        )

    with HttpServer(serve) as server:
        url = f"http://app.localhost:{urlsplit(server.url).port}"
        environ = {
            "DIALTONE_WEB_ORIGINS": url,
            "DIALTONE_ATTESTATION": "altcha",
            "DIALTONE_ATTESTATION_DIFFICULTY": "100",
            "DIALTONE_SMS_LIMIT_PER_COUNTRY": LIMIT,
            "DIALTONE_SMS_LIMIT_TOTAL": LIMIT,
        }
        with running(tmp_path_factory.mktemp("service"), environ) as service:
            files |= files_of_the_page(packages / "altcha/dist", service.url)
            use_up_the_share(service)
            yield WebApp(service, url)


def files_of_the_page(package: Path, service_url: str) -> dict[str, bytes]:
    """Return the files of the app by path: the code of the page, and those that it copies."""
    page = WEB_PAGE.replace(API, service_url)
    scripts = re.findall(r"^```js\n// (\S+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    by_hand = dict(scripts)["sign_in.js"].replace("altcha_widget.js", "altcha_by_hand.js")
    copied = [file for name in ("external", "workers") for file in (package / name).iterdir()]
    return {
        "/": f"<!DOCTYPE html><title>A web app</title>{block(page, 'html')}".encode(),
        "policy": block(page, "http").strip().removeprefix("Content-Security-Policy: ").encode(),
        **{f"/{name}": script.encode() for name, script in scripts},
        "/sign_in_by_hand.js": by_hand.encode(),
        **{f"/altcha/{file.parent.name}/{file.name}": file.read_bytes() for file in copied},
    }


def block(page: str, language: str) -> str:
    """Return the only block of the page in this language."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return str(code)


def use_up_the_share(service: Service) -> None:
    """Request codes for phones of others until this network gets no more."""
    with httpx.Client(base_url=service.url, timeout=30, **PLAIN_HTTP) as http:
        for number in range(NETWORK_SHARE):
            phone = f"+1415558{number:04d}"
            assert http.post("/auth/request-otp", json={"phone": phone}).status_code == 200
        rejected = http.post("/auth/request-otp", json={"phone": "+14155589999"})
    assert rejected.status_code == 429


@pytest.mark.parametrize("script", ["sign_in.js", "sign_in_by_hand.js"])
def test_a_web_app_solves_a_challenge_and_gets_a_code(
    chromium: Chromium, app: WebApp, phone: str, script: str
) -> None:
    send_code = f"""
        {RECORD_VIOLATIONS}
        const {{sendCode}} = await import("/{script}");
        return [await sendCode("{phone}"), violations];
    """
    result, violations = chromium.run(app.url, send_code)
    assert (result["status"], result["body"].get("sent")) == (200, True), result
    assert violations == []
    assert app.service.code(phone)


def test_a_device_with_a_fast_clock_gets_a_code(
    chromium: Chromium, app: WebApp, phone: str
) -> None:
    send_code = f"""
        const now = Date.now;
        Date.now = () => now() + 600_000;
        const {{sendCode}} = await import("/sign_in.js");
        return await sendCode("{phone}");
    """
    assert chromium.run(app.url, send_code)["status"] == 200


@pytest.mark.parametrize(("invalid_proofs", "status"), [(1, 200), (2, 403)])
def test_a_web_app_makes_a_second_proof_and_no_third(
    chromium: Chromium, app: WebApp, phone: str, invalid_proofs: int, status: int
) -> None:
    send_code = f"""
        const {{requestOtp}} = await import("/request_otp.js");
        const {{solve}} = await import("/altcha_by_hand.js");
        let proofs = 0;
        const altcha = challenge => ++proofs > {invalid_proofs} ? solve(challenge) : "invalid";
        const url = {json.dumps(f"{app.service.url}/auth/request-otp")};
        return [(await requestOtp(url, {{phone: "{phone}"}}, {{altcha}})).status, proofs];
    """
    assert chromium.run(app.url, send_code) == [status, 2]


def test_a_web_app_shows_a_captcha_and_returns_its_response(
    chromium: Chromium, app: WebApp
) -> None:
    """The stub has the one function that the scripts of the three providers have in common."""
    solve = """
        const captcha = {render: (place, {sitekey, callback}) => {
            if (document.querySelector("#proof").contains(place)) callback(`solved ${sitekey}`);
        }};
        const {solveWith} = await import("/captcha.js");
        return await solveWith(captcha)({type: "siteverify", site_key: "site-1"});
    """
    assert chromium.run(app.url, solve) == "solved site-1"
