"""The page at `/`: a newcomer signs in, uploads a picture and signs out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import Site
from tests.browser.first_page import run
from tests.browser.looks import RECORD_VIOLATIONS
from tests.support.images import plain_jpeg

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)


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


def enter(page: Page, input_id: str, text: str) -> None:
    """Write into an input that Tab leads to, and press Enter."""
    page.tab_to(input_id)
    page.insert(text)
    page.press("Enter")


def test_a_newcomer_needs_only_the_page_and_the_keyboard(
    page: Page, site: Site, phone: str, tmp_path: Path
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

    for number, size in enumerate([(640, 480), (60, 90)]):
        (image := tmp_path / f"IMG_000{number}.JPG").write_bytes(plain_jpeg(*size))
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
