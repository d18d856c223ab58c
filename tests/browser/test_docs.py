"""People can use the API on the page /docs, with the examples that it fills in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.chromium import WAIT, Chromium, Page
from tests.browser.conftest import Site
from tests.support.images import plain_jpeg

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)

PHONE: Final = "+14155552671"
"""The phone of the examples."""
FUNCTIONS: Final = """
    const inOperation = (name, selector) =>
        wait(() => document.querySelector(`[id^=operations-][id$=-${name}] ${selector}`));
    const open = async (name) => {
        (await inOperation(name, '.opblock-summary-control')).click();
        (await inOperation(name, '.try-out__btn')).click();
        await inOperation(name, '.execute');
    };
    const type = (input, value) => {
        // Otherwise React ignores the event.
        const prototype = Object.getPrototypeOf(input);
        Object.getOwnPropertyDescriptor(prototype, 'value').set.call(input, value);
        input.dispatchEvent(new Event('input', {bubbles: true}));
        input.dispatchEvent(new FocusEvent('focusout', {bubbles: true}));
    };
    const execute = async (name) => {
        (await inOperation(name, '.execute')).click();
        const status = await inOperation(
            name, '.live-responses-table .response .response-col_status'
        );
        return parseInt(status.innerText);
    };
    const body = async (name) => {
        const shown = await inOperation(name, '.live-responses-table .highlight-code code');
        return JSON.parse(shown.innerText);
    };
"""


@pytest.fixture
def page(chromium: Chromium, site: Site) -> Iterator[Page]:
    with chromium.page(f"{site.service.url}/docs") as opened:
        yield opened


def run(page: Page, script: str) -> Any:
    return page.run(WAIT + FUNCTIONS + script)


def execute(page: Page, operation: str) -> Any:
    """Press Try it out and Execute; return the status and the body."""
    script = "await open(name); return [await execute(name), await body(name)];"
    return run(page, f"const name = {json.dumps(operation)}; {script}")


def sign_in(page: Page, site: Site) -> None:
    """Sign in with the examples and the code of the message; enter the token."""
    number = len(site.service.messages(PHONE)) + 1
    status, requested = execute(page, "request_otp")
    assert (status, requested["sent"]) == (200, True)
    code = site.service.code(PHONE, number)
    status, verified = run(
        page,
        f"""
        await open('verify_otp');
        const example = await inOperation('verify_otp', 'textarea');
        type(example, JSON.stringify({{...JSON.parse(example.value), otp: '{code}'}}));
        return [await execute('verify_otp'), await body('verify_otp')];
        """,
    )
    assert (status, verified["success"]) == (200, True)
    run(
        page,
        f"""
        document.querySelector('.auth-wrapper .authorize').click();
        type(await wait(() => document.querySelector('.auth-container input')),
             '{verified["access_token"]}');
        document.querySelector('.auth-btn-wrapper .authorize').click();
        (await wait(() => document.querySelector('.auth-btn-wrapper .btn-done'))).click();
        """,
    )


def test_the_examples_sign_in_and_upload_and_the_token_is_kept(
    page: Page, site: Site, tmp_path: Path
) -> None:
    sign_in(page, site)
    status, user = execute(page, "create_user")
    assert status == 201

    image = tmp_path / "IMG_0001.JPG"
    image.write_bytes(plain_jpeg(32, 24))
    run(page, "await open('upload_image');")
    page.choose_file("[id$=-upload_image] input[type=file]", image)
    status, item = run(page, "return [await execute('upload_image'), await body('upload_image')];")
    assert (status, item["user_id"]) == (201, user["user_id"])

    width = run(
        page,
        f"""
        await open('get_media_file');
        const parts = new URL('{item["url"]}').pathname.split('/').slice(-2);
        for (const index of [0, 1]) {{
            const find = () => document.querySelectorAll('[id$=-get_media_file] input')[index];
            type(await wait(find), parts[index]);
            await wait(() => find().value);
        }}
        await execute('get_media_file');
        const image = await inOperation('get_media_file', '.live-responses-table img');
        await wait(() => image.naturalWidth);
        return image.naturalWidth;
        """,
    )
    assert width == 32

    page.reload()
    status, me = execute(page, "get_me")
    assert (status, me["_id"]) == (200, user["user_id"])


def test_shared_errors_are_listed_once_above_the_operations(page: Page) -> None:
    script = """
        await open('get_me');
        const section = await inOperation('get_me', '.responses-wrapper');
        const rows = [...section.querySelectorAll('.response[data-code]')];
        return [rows.map(row => row.dataset.code), section.parentElement.innerText,
                document.querySelector('.information-container').innerText];
    """
    statuses, shown, introduction = run(page, script)
    assert statuses == ["200", "404"]
    assert "Also 400, 401, 405, 429, 500, 501, 503" in shown
    assert "unauthenticated" in introduction


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_the_page_does_not_scroll_sideways(page: Page, width: int) -> None:
    page.show_as_phone(width)
    page.reload()
    script = """
        const widths = [];
        const measure = () => widths.push(document.documentElement.scrollWidth);
        await wait(() => document.querySelectorAll('.opblock').length > 20);
        measure();
        for (const name of ['request_otp', 'list_library_items', 'upload_image', 'verify_otp']) {
            await open(name);
            measure();
        }
        await execute('list_library_items');
        measure();
        (await wait(() => document.querySelector('.models-control'))).click();
        await wait(() => document.querySelector('.json-schema-2020-12-accordion'));
        measure();
        document.querySelector('.auth-wrapper .authorize').click();
        await wait(() => document.querySelector('.auth-container'));
        measure();
        return widths;
    """
    assert set(run(page, script)) == {width}
