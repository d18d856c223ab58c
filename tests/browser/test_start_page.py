"""The page at `/`: a newcomer signs in, uploads a picture and signs out."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import Site
from tests.support.images import plain_jpeg
from tests.support.service import running

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)

WIDTHS: Final = (320, 390, 1440)
COLOR_SCHEMES: Final = ("light", "dark")
RECORD_VIOLATIONS: Final = """
    window.violations = [];
    addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) =>
        window.violations.push(`${violatedDirective} ${blockedURI}`));
"""
FUNCTIONS: Final = """
    const find = (id) => document.getElementById(id);
    const wait = async (condition) => {
        for (let turn = 0; turn < 500; turn++) {
            const result = condition();
            if (result) return result;
            await new Promise(resolve => setTimeout(resolve, 20));
        }
        throw new Error(`${condition}: ${document.body.innerText}`);
    };
    const isShown = (id) => find(id).checkVisibility();
    const text = (id) => find(id).innerText;
"""


@pytest.fixture
def page(chromium: Chromium, site: Site) -> Iterator[Page]:
    """The page, signed out."""
    with chromium.page(f"{site.service.url}/") as opened:
        opened.run("localStorage.clear(); sessionStorage.clear();")
        opened.call("Page.addScriptToEvaluateOnNewDocument", source=RECORD_VIOLATIONS)
        opened.reload()
        run(opened, "await wait(() => isShown('sign-in'));")
        yield opened
        assert opened.run("return window.violations;") == []


def run(page: Page, script: str) -> Any:
    return page.run(FUNCTIONS + script)


def tab_to(page: Page, what: str) -> None:
    """Press Tab until the element with this id or this text has the focus."""
    for _ in range(60):
        page.press("Tab")
        focused = page.run("const at = document.activeElement; return [at.id, at.innerText];")
        if what in focused:
            return
    raise AssertionError(f"Tab does not lead to {what}")


def enter(page: Page, input_id: str, text: str) -> None:
    """Write into an input that Tab leads to, and press Enter."""
    if page.run("return document.activeElement.id;") != input_id:
        tab_to(page, input_id)
    page.call("Input.insertText", text=text)
    page.press("Enter")


def take_screenshots(page: Page, folder: Path, name: str) -> None:
    """Take screenshots in each width and color scheme; nothing may scroll sideways."""
    for width in WIDTHS:
        for scheme in COLOR_SCHEMES:
            feature = {"name": "prefers-color-scheme", "value": scheme}
            page.call("Emulation.setEmulatedMedia", features=[feature])
            screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
            page.call("Emulation.setDeviceMetricsOverride", **screen)
            assert page.run("return document.documentElement.scrollWidth;") <= width
            screenshot = page.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            (folder / f"{name}-{width}-{scheme}.png").write_bytes(base64.b64decode(screenshot))


def request_code(page: Page, site: Site, phone: str) -> str:
    """Request a code on the page; return it."""
    enter(page, "phone", phone)
    run(page, "await wait(() => document.activeElement === find('otp'));")
    return site.service.code(phone)


def sign_in(page: Page, site: Site, phone: str) -> None:
    code = request_code(page, site, phone)
    enter(page, "otp", code)
    run(page, "await wait(() => isShown('user-form'));")


def sign_up(page: Page, site: Site, phone: str) -> None:
    sign_in(page, site, phone)
    enter(page, "username", f"user {phone}")
    run(page, "await wait(() => isShown('images') && isShown('library-empty'));")


def upload(page: Page, file: Path, category: str = "") -> None:
    page.choose_file("#file", file)
    enter(page, "category", category)


def shown_error(page: Page, error_id: str) -> str:
    """Wait for an error; return its text."""
    error: str = run(page, f"return await wait(() => text({json.dumps(error_id)}));")
    return error


def test_a_newcomer_needs_only_the_page_and_the_keyboard(
    page: Page, site: Site, phone: str, tmp_path: Path
) -> None:
    page.press("Tab")
    assert page.run("return document.activeElement.innerText;") == "Skip to the sign-in"
    parts = run(page, "return await wait(() => isShown('parts') && text('parts'));")
    assert "database\nok" in parts.replace("\n\n", "\n")
    take_screenshots(page, tmp_path, "1-start")

    code = request_code(page, site, phone)
    assert code in run(page, "return text('message-text');")
    take_screenshots(page, tmp_path, "2-message")
    enter(page, "otp", code)
    run(page, "await wait(() => isShown('user-form'));")
    take_screenshots(page, tmp_path, "3-username")
    enter(page, "username", f"user {phone}")
    run(page, "await wait(() => isShown('library-empty'));")

    for number, size in enumerate([(640, 480), (60, 90)]):
        image = tmp_path / f"IMG_000{number}.JPG"
        image.write_bytes(plain_jpeg(*size))
        upload(page, image, "art" * number)
        run(page, f"await wait(() => find('library').children.length > {number});")
    assert "60 \u00d7 90 pixels, image/jpeg" in run(page, "return text('uploaded');")
    widths = run(
        page,
        """
        const images = [...document.querySelectorAll('#library img')];
        await wait(() => images.every(image => image.complete && image.naturalWidth));
        return images.map(image => image.naturalWidth);
        """,
    )
    assert widths == [60, 320]  # the newest first, as thumbnails
    take_screenshots(page, tmp_path, "4-account")

    tab_to(page, "Delete")
    page.press(" ")
    run(page, "await wait(() => find('library').children.length === 1);")
    tab_to(page, "sign-out")
    page.press("Enter")
    run(page, "await wait(() => isShown('phone-form'));")
    assert run(page, "return text('notice');") == "You are signed out."
    assert run(page, "return document.activeElement.id;") == "sign-in-heading"


def test_sessions_are_listed_and_the_account_can_be_deleted(
    page: Page, site: Site, phone: str
) -> None:
    sign_up(page, site, phone)
    page.run("localStorage.setItem('kept', localStorage.getItem('dialtone.session'));")
    page.run("localStorage.removeItem('dialtone.session');")
    page.reload()
    sign_in_again = f"""
        await wait(() => isShown('phone-form'));
        find('phone').value = {json.dumps(phone)};
        find('phone-form').requestSubmit();
        await wait(() => isShown('code-form'));
    """
    run(page, sign_in_again)
    enter(page, "otp", site.service.code(phone, 2))
    assert run(page, "return await wait(() => find('sessions').children.length);") == 2

    run(page, "find('sign-out-others').click(); await wait(() => !isShown('sign-out-others'));")
    assert run(page, "return find('sessions').children.length;") == 1
    tab_to(page, "Delete this account and its pictures")
    page.press("Enter")
    tab_to(page, "delete")
    page.press("Enter")
    run(page, "await wait(() => text('notice') === 'The account is deleted.');")


def test_after_a_reload_the_code_can_still_be_entered(page: Page, site: Site, phone: str) -> None:
    code = request_code(page, site, phone)
    page.reload()
    assert code in run(page, "return await wait(() => isShown('message') && text('message-text'));")
    enter(page, "otp", code)
    run(page, "await wait(() => isShown('user-form'));")
    page.reload()
    assert run(page, "return await wait(() => isShown('account') && text('user-id'));")


def test_where_the_user_blocks_storage_the_page_signs_in_until_a_reload(
    page: Page, site: Site, phone: str
) -> None:
    block = """
        for (const name of ["localStorage", "sessionStorage"])
            Object.defineProperty(window, name, {
                get() { throw new DOMException("Blocked", "SecurityError"); },
            });
    """
    page.call("Page.addScriptToEvaluateOnNewDocument", source=block)
    page.reload()
    code = request_code(page, site, phone)
    assert code in run(page, "return text('message-text');")
    enter(page, "otp", code)
    run(page, "await wait(() => isShown('user-form'));")


def test_without_scripts_the_page_says_that_it_needs_them(chromium: Chromium, site: Site) -> None:
    with chromium.page(f"{site.service.url}/health/live") as page:
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.call("Page.navigate", url=f"{site.service.url}/")
        chromium.wait_for("Page.loadEventFired")
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    texts = [node["name"]["value"] for node in nodes if "name" in node]
    assert "This page needs JavaScript. Its links work without it." in texts
    assert not any("loads its module" in text for text in texts)


def test_another_tab_shows_the_name_the_sign_out_and_the_next_user(
    page: Page, chromium: Chromium, site: Site, phone: str
) -> None:
    with chromium.page(f"{site.service.url}/") as other_tab:
        run(other_tab, "await wait(() => isShown('phone-form'));")
        page.call("Page.bringToFront")
        sign_in(page, site, phone)
        run(other_tab, "await wait(() => isShown('user-form'));")
        enter(page, "username", f"user {phone}")
        show_name = "await wait(() => isShown('images')); return find('username').value;"
        assert run(other_tab, show_name) == f"user {phone}"
        run(page, "await wait(() => isShown('images')); find('sign-out').click();")
        run(other_tab, "await wait(() => isShown('phone-form') && !find('username').value);")
        run(page, "await wait(() => isShown('phone-form')); find('phone').value = '';")
        page.call("Page.bringToFront")
        next_phone = f"{phone[:-4]}8{phone[-3:]}"
        sign_in(page, site, next_phone)
        next_id = run(page, "return text('user-id');")
        run(other_tab, f"await wait(() => text('user-id') === {json.dumps(next_id)});")
        assert run(other_tab, "return find('username').value;") == ""


def test_after_another_tab_requests_a_code_each_phone_has_its_own_message(
    page: Page, chromium: Chromium, site: Site, phone: str
) -> None:
    code = request_code(page, site, phone)
    other_phone = f"{phone[:-4]}9{phone[-3:]}"
    with chromium.page(f"{site.service.url}/") as other_tab:
        run(other_tab, "find('other-phone').click(); find('phone').value = '';")
        enter(other_tab, "phone", other_phone)
        run(other_tab, "await wait(() => isShown('message'));")
    page.reload()
    sent = run(page, "return await wait(() => text('sent').includes('See') && text('sent'));")
    assert other_phone in sent
    assert code not in run(page, "return document.body.innerText;")


def test_a_page_without_a_message_also_names_the_codes_of_test_phones(
    chromium: Chromium, tmp_path: Path
) -> None:
    test_otps = {"DIALTONE_TEST_OTPS": "+14155590903=123456@2099-01-01"}
    with (
        running(tmp_path / "service", test_otps) as service,
        chromium.page(f"{service.url}/") as page,
    ):
        run(page, "await wait(() => isShown('sign-in'));")
        enter(page, "phone", "+14155590903")
        sent = run(page, "return await wait(() => text('sent').includes('See') && text('sent'));")
        assert "A phone of DIALTONE_TEST_OTPS gets no message" in sent


def test_where_the_page_may_show_no_code_it_names_the_terminal(
    page: Page, site: Site, phone: str
) -> None:
    page.call("Network.enable")
    page.call("Network.setExtraHTTPHeaders", headers={"X-Forwarded-For": "127.0.0.1"})
    code = request_code(page, site, phone)
    sent = run(page, "return await wait(() => text('sent').includes('terminal') && text('sent'));")
    assert "See the terminal where the service runs." in sent
    assert code not in run(page, "return document.body.innerText;")


def test_an_upload_without_a_response_says_that_it_is_repeated(
    page: Page, site: Site, phone: str, tmp_path: Path
) -> None:
    sign_up(page, site, phone)
    image = tmp_path / "IMG_0001.JPG"
    image.write_bytes(plain_jpeg(640, 480))
    fail = """
        const {send} = XMLHttpRequest.prototype;
        XMLHttpRequest.prototype.send = function () {
            XMLHttpRequest.prototype.send = send;
            this.onerror();
        };
    """
    page.run(fail)
    upload(page, image)
    assert run(page, "return await wait(() => text('uploaded'));") == (
        "The service did not respond. Check the connection. The upload is repeated."
    )
    run(page, "await wait(() => text('uploaded').startsWith('Uploaded: 640'));")


def test_a_cancelled_upload_that_arrived_is_in_the_library(
    page: Page, site: Site, phone: str, tmp_path: Path
) -> None:
    sign_up(page, site, phone)
    image = tmp_path / "IMG_0001.JPG"
    image.write_bytes(plain_jpeg(640, 480))
    wait_for_cancel = """
        const {send} = XMLHttpRequest.prototype;
        XMLHttpRequest.prototype.send = function (form) {
            this.onload = () => document.getElementById("cancel").click();
            this.abort = () => this.onabort();
            send.call(this, form);
        };
    """
    page.run(wait_for_cancel)
    upload(page, image)
    assert "The upload was cancelled." in shown_error(page, "upload-error")
    run(page, "await wait(() => find('library').children.length === 1);")


def test_an_error_has_its_message_code_and_request_id(
    page: Page, site: Site, phone: str, tmp_path: Path
) -> None:
    enter(page, "phone", "12")
    error = shown_error(page, "phone-error")
    assert "code invalid, status 400, X-Request-Id " in error
    assert run(page, "return find('phone').getAttribute('aria-invalid');") == "true"
    page.run("document.getElementById('phone').value = '';")
    code = request_code(page, site, phone)
    enter(page, "otp", "000000" if code != "000000" else "000001")
    error = shown_error(page, "otp-error")
    assert "Invalid OTP" in error
    assert "Attempts left: 4." in error
    assert "code invalid_otp, status 200, X-Request-Id " in error
    take_screenshots(page, tmp_path, "5-wrong-code")
    run(page, "find('otp').value = '';")
    enter(page, "otp", code)
    run(page, "await wait(() => isShown('user-form'));")
    enter(page, "username", f"user {phone}")
    run(page, "await wait(() => isShown('images'));")
    text = tmp_path / "notes.jpg"
    text.write_text("This is no image.")
    upload(page, text)
    assert "code unsupported_image_type, status 4" in shown_error(page, "upload-error")
    assert not run(page, "return isShown('uploading');")
    take_screenshots(page, tmp_path, "6-no-image")


def test_without_a_new_message_the_last_one_is_still_shown(
    page: Page, site: Site, phone: str
) -> None:
    code = request_code(page, site, phone)
    tab_to(page, "resend")
    page.press("Enter")
    run(page, "await wait(() => text('sent').includes('still valid'));")
    assert code in run(page, "return text('message-text');")


def test_a_rate_limit_says_when_to_try_again(chromium: Chromium, tmp_path: Path) -> None:
    limited = {"DIALTONE_SMS_LIMIT_PER_IP": "1/1h"}
    with (
        running(tmp_path / "service", limited) as service,
        chromium.page(f"{service.url}/") as page,
    ):
        run(page, "await wait(() => isShown('sign-in'));")
        enter(page, "phone", "+14155590900")
        run(page, "await wait(() => isShown('message'));")
        tab_to(page, "other-phone")
        page.press("Enter")
        run(page, "find('phone').value = '';")
        enter(page, "phone", "+14155590901")
        error = shown_error(page, "phone-error")
        assert re.search(r"Try again in 6\d minutes\.", error)
        assert "code rate_limited, status 429, X-Request-Id " in error
        take_screenshots(page, tmp_path, "7-rate-limit")


def test_without_a_connection_the_page_says_so_and_goes_on_later(
    page: Page, site: Site, phone: str
) -> None:
    sign_up(page, site, phone)
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.call("Network.enable")
    page.call("Network.emulateNetworkConditions", offline=True, **conditions)
    enter(page, "username", "another name")
    assert "code network_error" in shown_error(page, "username-error")
    run(page, "find('check').click();")
    run(page, "await wait(() => text('parts-status').includes('does not respond'));")
    page.call("Network.emulateNetworkConditions", offline=False, **conditions)
    run(page, "find('user-form').requestSubmit();")
    run(page, "await wait(() => text('username-saved'));")
    assert shown_error_is_gone(page)


def shown_error_is_gone(page: Page) -> bool:
    gone: bool = run(page, "return text('username-error') === '';")
    return gone
