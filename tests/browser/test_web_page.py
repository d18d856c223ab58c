"""The code of `docs/web.md` works in a browser, with their policy."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import Chromium
from tests.browser.looks import RECORD_VIOLATIONS
from tests.support.client import open_client
from tests.support.markdown import blocks_in, page
from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.service import Service, running

# Installing Chromium and npm packages may take minutes.
pytestmark = pytest.mark.timeout(600)

WEB_PAGE: Final = page("docs/web.md")
API: Final = "https://api.example.org"
# Strangers have 270 of these messages, requests with a proof 90. A network has 5 %: 14, and 5.
LIMIT: Final = "600/1h"
NETWORK_SHARE: Final = 14
FUNCTIONS: Final = """
    const find = (id) => document.getElementById(id);
    const until = async (isTrue) => {
        while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
    };
"""


@dataclass(frozen=True, slots=True)
class WebApp:
    """A service, and a web app at another origin with the code of the page."""

    service: Service
    url: str


@pytest.fixture(scope="module")
def flooded_app(tmp_path_factory: pytest.TempPathFactory, npm_packages: Path) -> Iterator[WebApp]:
    """A web app whose service asks for proofs."""
    environ = {
        "DIALTONE_ATTESTATION": "altcha",
        "DIALTONE_SMS_LIMIT_PER_COUNTRY": LIMIT,
        "DIALTONE_SMS_LIMIT_TOTAL": LIMIT,
    }
    with open_app(tmp_path_factory.mktemp("service"), npm_packages, environ) as app:
        use_up_the_share(app.service)
        yield app


@contextmanager
def open_app(
    folder: Path, packages: Path, environ: dict[str, str], host: str = "app.localhost"
) -> Iterator[WebApp]:
    """Serve the app until the end of the block."""
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
        url = f"http://{host}:{urlsplit(server.url).port}"
        with running(folder, {"DIALTONE_WEB_ORIGINS": url, **environ}) as service:
            files |= files_of_the_page(packages / "altcha/dist", service.url)
            yield WebApp(service, url)


def files_of_the_page(package: Path, service_url: str) -> dict[str, bytes]:
    """Return the files of the app by path: the code of the page, and those that it copies."""
    text = WEB_PAGE.replace(API, service_url)
    scripts = dict(
        block.removeprefix("// ").split("\n", 1)
        for block in blocks_in("js", text)
        if re.match(r"// \S+\n", block)
    )
    copied = [file for name in ("external", "workers") for file in (package / name).iterdir()]
    html = "".join(blocks_in("html", text))
    [policy] = blocks_in("http", text)
    return {
        "/": f"<!DOCTYPE html><title>A web app</title>{html}".encode(),
        "policy": policy.strip().removeprefix("Content-Security-Policy: ").encode(),
        **{f"/{name}": script.encode() for name, script in scripts.items()},
        **{f"/altcha/{file.parent.name}/{file.name}": file.read_bytes() for file in copied},
    }


def use_up_the_share(service: Service) -> None:
    """Request codes for phones of others until this network gets no more."""
    with open_client(service) as http:
        for number in range(NETWORK_SHARE):
            phone = f"+1415558{number:04d}"
            assert http.post("/auth/request-otp", json={"phone": phone}).status_code == 200
        rejected = http.post("/auth/request-otp", json={"phone": "+14155589999"})
    assert rejected.status_code == 429


def test_the_forms_of_the_page_sign_in_and_upload_and_sign_out(
    chromium: Chromium, npm_packages: Path, tmp_path: Path, phone: str
) -> None:
    define = f"""
        {RECORD_VIOLATIONS} {FUNCTIONS}
        const submit = (id, name, value) => {{
            find(id).elements[name].value = value;
            find(id).requestSubmit();
        }};
        const {{dialtone}} = await import("/session.js");
        const {{uploadImage}} = await import("/upload.js");
        const shown = () =>
            ["phone-form", "otp-form", "sign-out"].filter((id) => !find(id).hidden);
    """
    request_otp = f"""
        submit("phone-form", "phone", "{phone}");
        await until(() => !find("otp-form").hidden);
    """
    verify_otp = """
        submit("otp-form", "otp", "000000");
        await until(() => find("message").textContent);
        const message = find("message").textContent;
        submit("otp-form", "otp", otp);
        await until(() => dialtone.session);
        await dialtone.request("POST", "/users", {username: "Asha Rao", number: phone});
        const canvas = document.createElement("canvas");
        const file = await new Promise((resolve) => canvas.toBlob(resolve));
        const progress = document.createElement("progress");
        const {item, items} = await uploadImage(file, progress);
        const image = Object.assign(new Image(), {src: item.url});
        await image.decode();
        const signedIn = shown();
        find("sign-out").click();
        await until(() => !find("phone-form").hidden);
        return {message, ids: [item.id, items[0].id], value: progress.value, max: progress.max,
            signedIn, signedOut: shown(), violations};
    """
    with (
        open_app(tmp_path, npm_packages, {}) as app,
        chromium.page(app.url) as opened,
    ):
        opened.run(f"{define} {request_otp}")
        opened.reload()
        otp = app.service.code(phone)
        result = opened.run(f"const otp = '{otp}', phone = '{phone}'; {define} {verify_otp}")
    assert result["message"] == "Invalid OTP"
    assert result["ids"][0] == result["ids"][1]
    assert result["value"] == result["max"] > 100
    assert (result["signedIn"], result["signedOut"]) == (["sign-out"], ["phone-form"])
    assert result["violations"] == []


def test_the_forms_of_the_page_change_the_number(
    chromium: Chromium, npm_packages: Path, tmp_path: Path, phone: str
) -> None:
    new_phone = f"+1646{phone[5:]}"
    define = f"""
        {FUNCTIONS}
        const {{dialtone}} = await import("/session.js");
    """
    request_codes = f"""
        await dialtone.verifyOtp({{otp: codes.otp}});
        await dialtone.request("POST", "/users", {{username: "Asha Rao"}});
        find("number-form").elements.phone.value = "{new_phone}";
        find("number-form").requestSubmit();
        await until(() => !find("codes-form").hidden);
    """
    send_codes = """
        const {elements} = find("codes-form");
        const send = async ({otp, old_otp}) => {
            elements.otp.value = otp;
            elements.old_otp.value = old_otp;
            find("message").textContent = "";
            find("codes-form").requestSubmit();
            await until(() => find("message").textContent);
            return [find("message").textContent, document.activeElement.name ?? ""];
        };
        const wrong = await send({...codes, otp: "000000"});
        const right = await send(codes);
        return [wrong, right[0], find("codes-form").hidden, Boolean(dialtone.session)];
    """
    with (
        open_app(tmp_path, npm_packages, {}) as app,
        chromium.page(app.url) as opened,
    ):
        opened.run(f"{define} await dialtone.requestOtp({{phone: '{phone}'}});")
        sign_in = json.dumps({"otp": app.service.code(phone)})
        opened.run(f"const codes = {sign_in}; {define} {request_codes}")
        codes = {"otp": app.service.code(new_phone), "old_otp": app.service.code(phone, 2)}
        result = opened.run(f"const codes = {json.dumps(codes)}; {define} {send_codes}")
    message = f"Your number is {new_phone} now."
    assert result == [["Invalid OTP", "otp"], message, True, True]


def test_a_web_app_solves_a_challenge_and_gets_a_code_also_with_a_fast_clock(
    chromium: Chromium, flooded_app: WebApp, phone: str
) -> None:
    send_code = f"""
        const now = Date.now;
        Date.now = () => now() + 600_000;
        {RECORD_VIOLATIONS} {use_module(flooded_app)}
        const {{attest}} = await import("/attest.js");
        const result = await new Dialtone({{url, attest}}).requestOtp({{phone: "{phone}"}});
        return [result, violations];
    """
    result, violations = chromium.run(flooded_app.url, send_code)
    assert result["sent"], result
    assert violations == []
    assert flooded_app.service.code(phone)


def use_module(app: WebApp) -> str:
    """Return a script that imports the module."""
    url = json.dumps(app.service.url)
    return f"""
        const url = {url};
        const {{Dialtone}} = await import(url + "/client/dialtone.js");
    """


def test_a_web_app_shows_a_captcha_and_returns_its_response(
    chromium: Chromium, flooded_app: WebApp
) -> None:
    """The stub has the one function that the scripts of the three providers have in common."""
    solve = """
        const captcha = {render: (place, {sitekey, callback}) => {
            if (document.querySelector("#proof").contains(place)) callback(`solved ${sitekey}`);
        }};
        const {solveWith} = await import("/captcha.js");
        return await solveWith(captcha)({type: "siteverify", site_key: "site-1"});
    """
    assert chromium.run(flooded_app.url, solve) == "solved site-1"
