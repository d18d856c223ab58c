"""All pages of the console, and the page at `/`, by eye, by screen reader and by keyboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.console import click, enroll, fill, heading, open_address, shown
from tests.browser.first_page import go_through_states
from tests.browser.looks import checked_page, find_problems, follow_tabs
from tests.browser.sample_service import (
    ADMINISTRATOR,
    WITHOUT_ACCOUNT,
    Sample,
    running_sample,
)

# Installing Chromium and npm packages may take minutes.
pytestmark = pytest.mark.timeout(600)

ADDRESSES: Final = (
    *("#/", "#/people", "#/statistics", "#/blocks", "#/library", "#/calls", "#/audit"),
    *("#/passkeys", "#/passkeys/new", "#/statistics?hours=168&by=country,provider"),
    *("#/people/USER", "#/people/USER/promote", "#/people/USER/delete"),
    *("#/library?state=hidden", "#/library/ITEM", "#/library/ITEM/hide", "#/nowhere"),
    *("#/statistics?hours=0", "#/audit?user=000000000000000000000000"),
    "#/statistics?hours=24&by=prefix",
)
"""Each page, also in other states and with errors. Acts beside these have the same form."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    with running_sample(tmp_path_factory.mktemp("sample") / "service") as started:
        yield started


@pytest.fixture(scope="module")
def page(chromium: Chromium, sample: Sample, axe: str) -> Iterator[Page]:
    """A page of an administrator who is signed in."""
    with checked_page(chromium, f"{sample.service.url}/console", axe) as opened:
        enroll(opened, sample.service, ADMINISTRATOR)
        yield opened


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_is_accessible_fits_and_has_a_visible_focus(
    page: Page, sample: Sample, address: str
) -> None:
    open_address(
        page, address.replace("USER", sample.member.user_id).replace("ITEM", sample.item_id)
    )
    assert find_problems(page) == []
    assert follow_tabs_from_start(page) == []


def follow_tabs_from_start(page: Page) -> list[str]:
    """Follow Tab from the start of the page, though its heading has the focus."""
    page.run(
        """document.body.tabIndex = -1;
        document.body.focus();
        document.body.removeAttribute("tabindex");"""
    )
    return follow_tabs(page)


def test_what_forms_show_is_accessible_and_fits(
    chromium: Chromium, page: Page, sample: Sample, axe: str, tmp_path: Path
) -> None:
    open_address(page, "#/people")
    fill(page, text="nobody has this name")
    click(page, "Search")
    assert "no account" in shown(page, "form > .error")
    assert find_problems(page) == []
    fill(page, text=WITHOUT_ACCOUNT)
    click(page, "Search")
    shown(page, "h2")
    assert find_problems(page) == []
    click(page, "Block the phone")
    heading(page, "Block the phone?")
    click(page, "Block the phone")
    shown(page, "#field-reason-error")
    assert find_problems(page) == []
    open_address(page, "#/statistics")
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    click(page, "Download as CSV")
    assert "statistics-" in shown(page, "#message")
    sample.service.wait_for(lambda: any(tmp_path.glob("statistics-*.csv")))
    assert find_problems(page) == []
    with checked_page(chromium, f"{sample.service.url}/console", axe) as signed_out:
        heading(signed_out, "Sign in")
        assert find_problems(signed_out) == []
        assert follow_tabs(signed_out) == []


def test_the_first_page_is_accessible_and_fits_in_all_its_states(
    chromium: Chromium, sample: Sample, axe: str, tmp_path: Path
) -> None:
    with checked_page(chromium, f"{sample.service.url}/", axe) as page:
        for state in go_through_states(page, sample.service, tmp_path, "+14155590186", "Liv"):
            assert find_problems(page) == [], state
            assert state != "start" or follow_tabs(page) == []
            page.run("document.activeElement.blur();")
    assert state == "signed out"
