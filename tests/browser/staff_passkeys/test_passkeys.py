"""Passkeys in the console, with the virtual authenticators of Chromium."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.browser.authenticator import add_authenticator
from tests.browser.chromium import WAIT, Chromium, Page
from tests.browser.looks import checked_page, find_problems, follow_tabs
from tests.support.client import sign_up
from tests.support.service import REASON, Service

# Installing Chromium and npm packages may take minutes.
pytestmark = pytest.mark.timeout(600)

SIGN_IN: Final = "/console/sign-in/passkey"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a host name: no passkey belongs to an IP."""
    started = Service(tmp_path_factory.mktemp("passkeys") / "service")
    started.url = f"http://localhost:{started.port}"
    started.settings |= {"DIALTONE_PUBLIC_URL": started.url, "DIALTONE_WEB_CONSOLE": "yes"}
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture
def administrator(service: Service, phone: str) -> str:
    """The phone of an administrator without a passkey."""
    sign_up(service, phone, f"user {phone[-4:]}")
    promoted = service.run("user", "promote", phone, *REASON)
    assert promoted.returncode == 0, promoted.stderr
    return phone


@pytest.fixture
def page(chromium: Chromium, service: Service, axe: str) -> Iterator[Page]:
    with checked_page(chromium, f"{service.url}/console", axe) as opened:
        opened.call("WebAuthn.enable")
        yield opened


def invite(service: Service, phone: str) -> str:
    """Return a link that adds a passkey."""
    invited = service.run("user", "passkey-invite", phone, *REASON)
    assert invited.returncode == 0, invited.stderr
    return invited.stdout.strip()


def press(page: Page, what: str) -> None:
    """Press the button or the link that Tab leads to, and wait for the next page."""
    page.tab_to(what)
    with page.loading():
        page.press("Enter")


def name_passkey(page: Page, name: str) -> None:
    """Replace the name that the page proposes, and go on."""
    page.tab_to("name")
    page.run("document.activeElement.select();")
    page.insert(name)
    with page.loading():
        page.press("Enter")


def try_in_vain(page: Page, what: str) -> str:
    """Press a button; return what the page says is wrong."""
    page.tab_to(what)
    page.press("Enter")
    return shown_problem(page)


def shown_problem(page: Page) -> str:
    script = "return await wait(() => document.getElementById('problem').innerText);"
    text: str = page.run(WAIT + script)
    return text


def path_of(page: Page) -> str:
    path: str = page.run("return location.pathname;")
    return path


def enrol(page: Page, service: Service, phone: str) -> None:
    page.open(invite(service, phone))
    name_passkey(page, "laptop")
    press(page, "Make the passkey")
    assert path_of(page) == "/console/passkeys"


def rows(page: Page) -> list[str]:
    names: list[str] = page.run(
        "return [...document.querySelectorAll('tbody th')].map(cell => cell.innerText);"
    )
    return names


def test_passkeys_are_added_used_and_removed_with_the_keyboard_alone(
    page: Page, service: Service, administrator: str
) -> None:
    laptop = add_authenticator(page)
    page.open(invite(service, administrator))
    assert page.run("return location.hash;") == ""
    assert find_problems(page) == []
    assert follow_tabs(page) == []
    name_passkey(page, "laptop")
    assert find_problems(page) == []
    press(page, "Make the passkey")
    assert path_of(page) == "/console/passkeys"
    assert find_problems(page) == []
    assert rows(page) == ["laptop"]

    press(page, "Sign out")
    press(page, "Sign in with a passkey")
    press(page, "Use a passkey")
    assert path_of(page) == "/console"

    press(page, "/console/passkeys")
    press(page, "Add a passkey")
    assert find_problems(page) == []
    name_passkey(page, "key")
    page.call("WebAuthn.setAutomaticPresenceSimulation", authenticatorId=laptop, enabled=False)
    add_authenticator(page, "usb")
    press(page, "Make the passkey")
    assert rows(page) == ["laptop", "key"]

    press(page, "Remove laptop")
    assert find_problems(page) == []
    press(page, "Remove the passkey")
    assert rows(page) == ["key"]


def test_what_fails_is_said_in_words(page: Page, service: Service, administrator: str) -> None:
    page.open(f"{service.url}{SIGN_IN}")
    laptop = add_authenticator(page)
    assert "no passkey that works here" in try_in_vain(page, "Use a passkey")
    assert find_problems(page) == []
    enrol(page, service, administrator)

    page.open(invite(service, administrator))
    name_passkey(page, "again")
    assert "already has a passkey of this account" in try_in_vain(page, "Make the passkey")

    page.open(f"{service.url}{SIGN_IN}")
    page.call("WebAuthn.setUserVerified", authenticatorId=laptop, isUserVerified=False)
    assert "Nothing was sent" in try_in_vain(page, "Use a passkey")
    page.call("WebAuthn.setUserVerified", authenticatorId=laptop, isUserVerified=True)
    press(page, "Use a passkey")
    assert path_of(page) == "/console"

    page.open(f"http://127.0.0.1:{service.port}{SIGN_IN}")
    assert f"only at {service.url}" in shown_problem(page)
    page.open(f"{service.url}/console/passkeys/enrol")
    assert "This link is not complete" in shown_problem(page)
    page.call("Page.addScriptToEvaluateOnNewDocument", source="delete window.PublicKeyCredential;")
    page.open(f"{service.url}{SIGN_IN}")
    assert "This browser has no passkeys" in shown_problem(page)
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(f"{service.url}{SIGN_IN}")
    assert "Allow scripts" in page.run("return document.querySelector('noscript').innerText;")
