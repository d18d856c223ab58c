"""The page at `/`: a newcomer signs in, uploads a picture and signs out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import Site
from tests.browser.first_page import run
from tests.browser.looks import RECORD_VIOLATIONS
from tests.support.images import plain_jpeg
from tests.support.service import running

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)

TEST_PHONE: Final = "+14155590903"
_LATE_RESPONSES: Final = """
    const { fetch } = window;
    window.fetch = async (...request) => {
        const response = await fetch(...request);
        await new Promise((resolve) => setTimeout(resolve, 500));
        return response;
    };
"""
"""The session changes in another tab before this one has shown the last change."""
LIMITED: Final = {
    "DIALTONE_TEST_OTPS": f"{TEST_PHONE}=123456@2099-01-01",
    "DIALTONE_SMS_LIMIT_PER_IP": "1/1h",
}


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


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Two pictures, of different sizes."""
    files = []
    for number, size in enumerate([(640, 480), (60, 90)]):
        files.append(tmp_path / f"IMG_000{number}.JPG")
        files[-1].write_bytes(plain_jpeg(*size))
    return files


def enter(page: Page, input_id: str, text: str) -> None:
    """Write into an input that Tab leads to, and press Enter."""
    page.tab_to(input_id)
    page.insert(text)
    page.press("Enter")


def request_code(page: Page, site: Site, phone: str) -> str:
    """Request a code on the page; return it."""
    run(page, f"send('phone', '{phone}'); await wait(() => isShown('code-form') && text('sent'));")
    return site.service.code(phone)


def sign_in(page: Page, site: Site, phone: str) -> None:
    code = request_code(page, site, phone)
    run(page, f"send('otp', '{code}'); await wait(() => isShown('user-form'));")


def sign_up(page: Page, site: Site, phone: str) -> None:
    sign_in(page, site, phone)
    run(page, f"send('username', 'user {phone}'); await wait(() => isShown('library-empty'));")


def upload(page: Page, file: Path, category: str = "") -> None:
    page.choose_file("#file", file)
    run(page, f"send('category', '{category}');")


def wait_for(page: Page, element_id: str, text: str = "") -> str:
    """Wait until an element has a text, and return what it has."""
    script = (
        f"return await wait(() => text({element_id!r}).includes({text!r}) && text({element_id!r}));"
    )
    shown: str = run(page, script)
    return shown


def test_a_newcomer_needs_only_the_page_and_the_keyboard(
    page: Page, site: Site, phone: str, images: list[Path]
) -> None:
    page.press("Tab")
    assert page.run("return document.activeElement.innerText;") == "Skip to the sign-in"
    parts = run(page, "return await wait(() => isShown('parts') && text('parts'));")
    assert "database\nok" in parts.replace("\n\n", "\n")

    enter(page, "phone", phone)
    run(page, "await wait(() => document.activeElement === find('otp'));")
    code = site.service.code(phone)
    assert code in run(page, "return text('message-text');")
    enter(page, "otp", code)
    run(page, "await wait(() => isShown('user-form'));")
    enter(page, "username", f"user {phone}")
    run(page, "await wait(() => isShown('library-empty'));")

    for number, image in enumerate(images):
        page.choose_file("#file", image)
        enter(page, "category", "art" * number)
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

    page.tab_to("Delete")
    page.press(" ")
    run(page, "await wait(() => find('library').children.length === 1);")
    page.tab_to("sign-out")
    page.press("Enter")
    run(page, "await wait(() => isShown('phone-form'));")
    assert run(page, "return text('notice');") == "You are signed out."
    assert run(page, "return document.activeElement.id;") == "sign-in-heading"


def test_sessions_are_listed_and_the_account_can_be_deleted(
    page: Page, site: Site, phone: str
) -> None:
    sign_up(page, site, phone)
    page.run("localStorage.removeItem('dialtone.session');")
    page.reload()
    run(page, f"send('phone', '{phone}'); await wait(() => isShown('code-form'));")
    run(page, f"send('otp', '{site.service.code(phone, 2)}');")
    assert run(page, "return await wait(() => find('sessions').children.length);") == 2

    run(page, "find('sign-out-others').click(); await wait(() => !isShown('sign-out-others'));")
    assert run(page, "return find('sessions').children.length;") == 1
    page.tab_to("Delete this account and its pictures")
    page.press("Enter")
    page.tab_to("delete")
    page.press("Enter")
    wait_for(page, "notice", "The account is deleted.")


def test_the_last_message_is_shown_again_and_a_reload_keeps_it_and_the_account(
    page: Page, site: Site, phone: str
) -> None:
    code = request_code(page, site, phone)
    run(page, "find('resend').click();")
    wait_for(page, "sent", "still valid")
    assert code in run(page, "return text('message-text');")
    page.reload()
    assert code in run(page, "return await wait(() => isShown('message') && text('message-text'));")
    run(page, f"send('otp', '{code}'); await wait(() => isShown('user-form'));")
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
    run(page, "await wait(() => isShown('sign-in'));")
    code = request_code(page, site, phone)
    wait_for(page, "message-text", code)
    run(page, f"send('otp', '{code}'); await wait(() => isShown('user-form'));")


def test_without_scripts_the_page_says_that_it_needs_them(chromium: Chromium, site: Site) -> None:
    with chromium.page("about:blank") as page:
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.open(f"{site.service.url}/")
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    texts = [node["name"]["value"] for node in nodes if "name" in node]
    assert "This page needs JavaScript. Its links work without it." in texts
    assert not any("loads its module" in text for text in texts)


def test_another_tab_shows_the_name_the_sign_out_and_the_next_user(
    page: Page, chromium: Chromium, site: Site, phone: str
) -> None:
    with chromium.page(f"{site.service.url}/") as other_tab:
        run(other_tab, f"await wait(() => isShown('phone-form')); {_LATE_RESPONSES}")
        page.call("Page.bringToFront")
        sign_up(page, site, phone)
        show_name = "await wait(() => isShown('images')); return find('username').value;"
        assert run(other_tab, show_name) == f"user {phone}"
        run(page, "find('sign-out').click(); await wait(() => isShown('phone-form'));")
        run(other_tab, "await wait(() => isShown('phone-form') && !find('username').value);")
        sign_in(page, site, f"{phone[:-4]}8{phone[-3:]}")
        next_id = run(page, "return text('user-id');")
        run(other_tab, f"await wait(() => text('user-id') === {json.dumps(next_id)});")
        assert run(other_tab, "return find('username').value;") == ""


def test_after_another_tab_requests_a_code_each_phone_has_its_own_message(
    page: Page, chromium: Chromium, site: Site, phone: str
) -> None:
    code = request_code(page, site, phone)
    other_phone = f"{phone[:-4]}9{phone[-3:]}"
    with chromium.page(f"{site.service.url}/") as other_tab:
        run(other_tab, "find('other-phone').click();")
        run(other_tab, f"send('phone', '{other_phone}'); await wait(() => isShown('message'));")
    page.reload()
    sent = wait_for(page, "sent", "See the terminal where the service runs.")
    assert other_phone in sent
    assert code not in run(page, "return document.body.innerText;")


def test_test_phones_are_named_and_a_rate_limit_says_when_to_try_again(
    chromium: Chromium, tmp_path: Path
) -> None:
    with running(tmp_path, LIMITED) as service, chromium.page(f"{service.url}/") as page:
        run(page, f"await wait(() => isShown('sign-in')); send('phone', '{TEST_PHONE}');")
        assert "A phone of DIALTONE_TEST_OTPS gets no message" in wait_for(page, "sent", "See")
        for number in range(2):
            run(page, f"find('other-phone').click(); send('phone', '+1415559090{number}');")
            run(page, "await wait(() => isShown('message') || text('phone-error'));")
        error = wait_for(page, "phone-error")
    assert re.search(r"Try again in 6\d minutes\.", error)
    assert "code rate_limited, status 429, X-Request-Id " in error


def test_an_upload_says_that_it_is_repeated_and_a_cancelled_one_that_arrived_is_shown(
    page: Page, site: Site, phone: str, images: list[Path]
) -> None:
    sign_up(page, site, phone)
    page.run(
        """
        window.send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function () {
            XMLHttpRequest.prototype.send = window.send;
            this.onerror();
        };
        """
    )
    upload(page, images[0])
    assert wait_for(page, "uploaded") == (
        "The service did not respond. Check the connection. The upload is repeated."
    )
    wait_for(page, "uploaded", "Uploaded: 640")
    run(page, "await wait(() => find('library').children.length === 1);")
    page.run(
        """
        XMLHttpRequest.prototype.send = function (form) {
            this.onload = () => document.getElementById("cancel").click();
            this.abort = () => this.onabort();
            window.send.call(this, form);
        };
        """
    )
    upload(page, images[1])
    wait_for(page, "upload-error", "The upload was cancelled.")
    run(page, "await wait(() => find('library').children.length === 2);")


def test_an_error_has_its_message_code_and_request_id(
    page: Page, site: Site, phone: str, tmp_path: Path
) -> None:
    run(page, "send('phone', '12');")
    message, *_, details = wait_for(page, "phone-error").splitlines()
    assert "phone number" in message
    assert re.fullmatch(r"code invalid, status 400, X-Request-Id [0-9a-f]{32}", details)
    assert run(page, "return find('phone').getAttribute('aria-invalid');") == "true"
    code = request_code(page, site, phone)
    run(page, f"send('otp', '{'000000' if code != '000000' else '000001'}');")
    error = wait_for(page, "otp-error")
    for part in ("Invalid OTP", "Attempts left: 4.", "code invalid_otp, status 200, X-Request-Id "):
        assert part in error
    run(page, f"send('otp', '{code}'); await wait(() => isShown('user-form'));")
    run(page, f"send('username', 'user {phone}'); await wait(() => isShown('images'));")
    text = tmp_path / "notes.jpg"
    text.write_text("This is no image.")
    upload(page, text)
    assert "code unsupported_image_type, status 4" in wait_for(page, "upload-error")
    assert not run(page, "return isShown('uploading');")


def test_without_a_connection_the_page_says_so_and_goes_on_later(
    page: Page, site: Site, phone: str
) -> None:
    sign_up(page, site, phone)
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.call("Network.enable")
    page.call("Network.emulateNetworkConditions", offline=True, **conditions)
    run(page, "send('username', 'another name');")
    wait_for(page, "username-error", "code network_error")
    run(page, "find('check').click();")
    wait_for(page, "parts-status", "does not respond")
    page.call("Network.emulateNetworkConditions", offline=False, **conditions)
    run(page, "find('user-form').requestSubmit(); await wait(() => text('username-saved'));")
    assert run(page, "return text('username-error');") == ""
