"""All pages of the console, and the page at `/`, by eye, by screen reader and by keyboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from entrypoints.composition.features import FEATURES
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.console import CONSOLE
from tests.browser.chromium import Chromium, Page
from tests.browser.first_page import go_through_states
from tests.browser.looks import checked_page, find_problems, follow_tabs
from tests.browser.sample_service import (
    WITHOUT_ACCOUNT,
    Sample,
    running_sample,
)
from tests.browser.screenshots import send_form, sign_in

# Installing Chromium and npm packages may take minutes.
pytestmark = pytest.mark.timeout(600)

(PLUGIN,) = CONSOLE.plugins(read_settings({"DIALTONE_WEB_CONSOLE": "yes"}, None), FEATURES)
ROUTES: Final = [
    route
    for route in Litestar(PLUGIN.hidden_controllers, openapi_config=None).routes
    if isinstance(route, HTTPRoute)
]
NO_PAGES: Final = ("/style.css", "/passkeys.js", "/thumbnail", "/image", "/sign-out")
"""Files, and a form that every page has."""
LIKE_OTHERS: Final = (
    "/hide", "/unhide", "/unblock", "/reset-limits", "/number", "/export", "/demote", "/detach",
)  # fmt: skip
"""Acts whose form has only a reason, as that of a block and of a deletion."""
STATES: Final = (
    *("statistics?hours=168&by=country,provider", "statistics?from=yesterday"),
    *("library?state=hidden", "nowhere"),
    *("audit?user=000000000000000000000000", "statistics?hours=0"),
)
"""Pages with other numbers, in other states, and with errors."""

FIELDS: Final = {
    "reason": "too long " * 200,
    "user": "nobody has this name",
    "user_id": "no id",
    "phone": WITHOUT_ACCOUNT,
    "otp": "000000",
    "request_id": "0" * 32,
}
"""Those of all forms. What they ask for is not done, but pages of phones are shown."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    with running_sample(tmp_path_factory.mktemp("sample") / "service") as started:
        yield started


@pytest.fixture(scope="module")
def page(chromium: Chromium, sample: Sample, axe: str) -> Iterator[Page]:
    """A page of an administrator who is signed in."""
    with checked_page(chromium, f"{sample.service.url}/console", axe) as opened:
        sign_in(opened, sample)
        yield opened


def paths(method: str) -> list[str]:
    """Return the routes of pages."""
    return sorted(
        route.path
        for route in ROUTES
        if method in route.methods and not route.path.endswith((*NO_PAGES, *LIKE_OTHERS))
    )


def fill_in(path: str, sample: Sample) -> str:
    with_user = path.replace("{user_id:str}", sample.member.user_id)
    with_item = with_user.replace("{item_id:str}", sample.item_id)
    return sample.service.url + with_item.replace("{passkey_id:str}", "0" * 16)


@pytest.mark.parametrize("path", [*paths("GET"), *(f"/console/{state}" for state in STATES)])
def test_every_page_is_accessible_fits_and_has_a_visible_focus(
    page: Page, sample: Sample, path: str
) -> None:
    page.open(fill_in(path, sample))
    assert find_problems(page) == []
    assert follow_tabs(page) == []


@pytest.mark.parametrize("path", paths("POST"))
def test_every_page_after_a_form_is_accessible_and_fits(
    page: Page, sample: Sample, path: str
) -> None:
    has_session = not path.startswith(("/console/sign-in", "/console/passkeys/enrol"))
    start = "/console/users" if has_session else "/console/sign-in"
    page.open(fill_in(start, sample))
    send_form(page, fill_in(path, sample), **FIELDS)
    text = page.run("return document.body.innerText;")
    assert "from an earlier session" not in text, "the form was not read"
    assert find_problems(page) == []


def test_the_first_page_is_accessible_and_fits_in_all_its_states(
    chromium: Chromium, sample: Sample, axe: str, tmp_path: Path
) -> None:
    with checked_page(chromium, f"{sample.service.url}/", axe) as page:
        for state in go_through_states(page, sample.service, tmp_path, "+14155590186", "Liv"):
            assert find_problems(page) == [], state
            assert state != "start" or follow_tabs(page) == []
            page.run("document.activeElement.blur();")
    assert state == "signed out"
