"""What pages of other origins can do in a real browser."""

import json
from typing import Final

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import Site
from tests.support.client import sign_up, upload_item
from tests.support.images import plain_jpeg

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)

LOAD_IMAGE: Final = """
    const load = (url, crossOrigin) => new Promise(resolve => {
        const image = new Image();
        if (crossOrigin) image.crossOrigin = crossOrigin;
        image.onload = () => resolve(image.naturalWidth);
        image.onerror = () => resolve("failed");
        image.src = url;
    });
"""
ATTACKS: Final = {
    "fetch": """
        const headers = {'Content-Type': 'application/json'};
        const error = await fetch(url, {method: 'POST', headers, body}).catch(error => error);
        if (!(error instanceof TypeError)) throw error;
    """,
    "form": """
        const frame = document.createElement('iframe');
        frame.name = 'result';
        document.body.appendChild(frame);
        const form = document.body.appendChild(document.createElement('form'));
        Object.assign(form, {method: 'POST', action: url, enctype: 'text/plain', target: 'result'});
        const field = form.appendChild(document.createElement('input'));
        [field.name, field.value] = [body.replace('}', ', "x": "'), '"}'];
        form.submit();
    """,
    "sandboxed frame": """
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        const call = `fetch(${JSON.stringify(url)}, {method: 'POST', mode: 'no-cors',`
            + ` body: ${JSON.stringify(body)}}).finally(() => parent.postMessage('done', '*'))`;
        frame.srcdoc = '<script>' + call + '</' + 'script>';
        const done = new Promise(resolve => { window.onmessage = resolve; });
        document.body.appendChild(frame);
        await done;
    """,
}


def statuses(site: Site) -> list[int]:
    """Return the statuses of all requests so far that are not GET."""
    lines = [json.loads(line) for line in site.service.log.splitlines()]
    requests = [line for line in lines if line["event"] == "http_request"]
    return [line["status"] for line in requests if line["method"] != "GET"]


def script(site: Site, phone: str, path: str, body: str) -> str:
    """Return a script with the variables `url` and `body`."""
    url = json.dumps(f"{site.service.url}{path}")
    content = json.dumps(json.dumps({"phone": phone}))
    return f"const url = {url}; const body = {content}; {body}"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_foreign_page_sends_no_code(
    chromium: Chromium, site: Site, phone: str, attack: str
) -> None:
    site.wait_for_log()
    handled = len(statuses(site))
    with chromium.page(site.foreign) as page:
        page.run(script(site, phone, "/auth/request-otp", attack))
        site.service.wait_for(lambda: len(statuses(site)) > handled)
    assert set(statuses(site)[handled:]) <= {403, 405}  # also of preflight requests
    assert site.service.messages(phone) == []


def test_only_a_listed_page_reads_responses_and_imports_the_module_without_cookies(
    chromium: Chromium, site: Site
) -> None:
    url = json.dumps(site.service.url)
    read = f"""
        const read = (init) => fetch({url} + "/health/live", init)
            .then((response) => response.text(), ({{name}}) => name);
        const load = import({url} + "/client/dialtone.js");
        return [await read(), await read({{credentials: "include"}}),
            await load.then(() => "loaded", ({{name}}) => name)];
    """
    assert chromium.run(site.foreign, read) == ["TypeError"] * 3
    assert chromium.run(site.listed, read) == ['{"status":"ok"}', "TypeError", "loaded"]


def test_every_page_shows_images_and_a_listed_page_reads_them(
    chromium: Chromium, site: Site, phone: str
) -> None:
    item = upload_item(site.service, sign_up(site.service, phone), plain_jpeg(8, 6))
    url = json.dumps(item["url"])
    # First without CORS: the cached copy must not be used for the second request.
    load = f"{LOAD_IMAGE} return [await load({url}), await load({url}, 'anonymous')];"
    assert chromium.run(site.foreign, load) == [8, "failed"]
    assert chromium.run(site.listed, load) == [8, 8]
