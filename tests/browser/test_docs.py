"""People can use the API on the page /docs, with the examples that it fills in, also on a phone."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.chromium import WAIT, Chromium, Page
from tests.browser.conftest import Site
from tests.browser.looks import NARROWEST, show
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


def run(page: Page, script: str) -> Any:
    return page.run(WAIT + FUNCTIONS + script)


def execute(page: Page, operation: str) -> Any:
    """Press Try it out and Execute; return the status and the body."""
    script = "await open(name); return [await execute(name), await body(name)];"
    return run(page, f"const name = {json.dumps(operation)}; {script}")


def width_of(page: Page) -> int:
    """Return the width that the page needs."""
    width: int = page.run("return document.documentElement.scrollWidth;")
    return width


def test_the_examples_sign_in_and_upload_on_a_phone_and_the_token_is_kept(
    chromium: Chromium, site: Site, tmp_path: Path
) -> None:
    (image := tmp_path / "IMG_0001.JPG").write_bytes(plain_jpeg(32, 24))
    with chromium.page("about:blank") as page:
        show(page, NARROWEST, "light")
        page.open(f"{site.service.url}/docs")
        run(page, "await wait(() => document.querySelectorAll('.opblock').length > 20);")
        introduction = "return document.querySelector('.information-container').innerText;"
        assert "unauthenticated" in run(page, introduction)
        assert width_of(page) == NARROWEST

        number = len(site.service.messages(PHONE)) + 1
        status, requested = execute(page, "request_otp")
        assert (status, requested["sent"]) == (200, True)
        code = site.service.code(PHONE, number)
        verify_otp = f"""
            await open('verify_otp');
            const example = await inOperation('verify_otp', 'textarea');
            type(example, JSON.stringify({{...JSON.parse(example.value), otp: '{code}'}}));
            return [await execute('verify_otp'), await body('verify_otp')];
        """
        status, verified = run(page, verify_otp)
        assert (status, verified["success"]) == (200, True)

        run(page, "document.querySelector('.auth-wrapper .authorize').click();")
        run(page, "await wait(() => document.querySelector('.auth-container input'));")
        assert width_of(page) == NARROWEST
        enter_token = f"""
            type(document.querySelector('.auth-container input'), '{verified["access_token"]}');
            document.querySelector('.auth-btn-wrapper .authorize').click();
            (await wait(() => document.querySelector('.auth-btn-wrapper .btn-done'))).click();
        """
        run(page, enter_token)
        status, user = execute(page, "create_user")
        assert status == 201
        run(page, "await open('upload_image');")
        page.choose_file("[id$=-upload_image] input[type=file]", image)
        upload = "return [await execute('upload_image'), await body('upload_image')];"
        status, item = run(page, upload)
        # The page fills in the id of the user.
        assert (status, item["user_id"]) == (201, user["user_id"])
        assert width_of(page) == NARROWEST

        page.reload()
        status, me = execute(page, "get_me")
        assert (status, me["_id"]) == (200, user["user_id"])
