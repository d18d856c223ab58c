"""Passkeys of users on the first page and in the module, with Chromium's virtual authenticators."""

from collections.abc import Iterator

import pytest

from tests.browser.authenticator import add_authenticator
from tests.browser.chromium import Chromium, Page
from tests.browser.first_page import run
from tests.browser.looks import checked_page, find_problems
from tests.support.service import ForkedService, Service

# Installing Chromium and npm packages may take minutes.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without a URL of its own, as `make run` starts it, at `localhost`."""
    folder = tmp_path_factory.mktemp("passkeys") / "service"
    started = ForkedService(folder, {"DIALTONE_PUBLIC_URL": ""})
    started.url = f"http://localhost:{started.port}"
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture
def page(chromium: Chromium, service: Service, axe: str) -> Iterator[Page]:
    with checked_page(chromium, f"{service.url}/", axe) as opened:
        opened.call("WebAuthn.enable")
        run(opened, "localStorage.clear(); await wait(() => isShown('phone-form'));")
        yield opened


def sign_in_by_code(page: Page, service: Service, phone: str) -> None:
    run(page, f"send('phone', '{phone}'); await wait(() => isShown('code-form') && text('sent'));")
    run(page, f"send('otp', '{service.code(phone)}'); await wait(() => isShown('passkeys'));")


def call_module(page: Page, call: str) -> str:
    """Call a method of the module with the session of the page; return the code of its error."""
    code: str = run(
        page,
        f"""
        const {{ Dialtone }} = await import("/client/dialtone.js");
        const dialtone = new Dialtone({{ url: location.origin }});
        return await dialtone.{call}.then(() => "none", ({{code}}) => code);
        """,
    )
    return code


def test_a_user_adds_a_passkey_signs_in_with_it_and_removes_it(
    page: Page, service: Service, phone: str
) -> None:
    authenticator = add_authenticator(page)
    sign_in_by_code(page, service, phone)
    user_id = run(page, "return text('user-id');")
    row = "document.querySelector('#passkey-list li')"

    run(page, f"find('add-passkey').click(); await wait(() => {row});")
    assert find_problems(page) == []
    assert call_module(page, "addPasskey()") == "passkey_exists"

    # The browser offers it in the field of the number, without a click.
    run(page, "find('sign-out').click(); await wait(() => isShown('account'));")
    assert run(page, "return text('user-id');") == user_id

    page.call(
        "WebAuthn.setAutomaticPresenceSimulation", authenticatorId=authenticator, enabled=False
    )
    run(page, "find('sign-out').click(); await wait(() => isShown('passkey-sign-in'));")
    page.call(
        "WebAuthn.setAutomaticPresenceSimulation", authenticatorId=authenticator, enabled=True
    )
    run(page, "find('passkey-sign-in').click(); await wait(() => isShown('account'));")
    assert run(page, "return text('user-id');") == user_id

    run(
        page,
        f"(await wait(() => {row})).querySelector('button').click(); await wait(() => !{row});",
    )
