"""The code of `docs/web.md` for passkeys works in a browser, with its policy."""

from pathlib import Path

import pytest

from tests.browser.authenticator import add_authenticator
from tests.browser.chromium import Chromium
from tests.browser.first_page import run
from tests.browser.looks import RECORD_VIOLATIONS
from tests.browser.test_web_page import open_app

# Installing Chromium and npm packages may take minutes.
pytestmark = pytest.mark.timeout(600)


def test_the_buttons_of_the_page_add_a_passkey_and_sign_in_with_it(
    chromium: Chromium, npm_packages: Path, tmp_path: Path, phone: str
) -> None:
    """Its app and its service are at different ports of `localhost`, which has passkeys."""
    with (
        open_app(tmp_path, npm_packages, {}, host="localhost") as app,
        chromium.page(app.url, is_private=True) as page,
    ):
        page.call("WebAuthn.enable")
        authenticator = add_authenticator(page)
        requested = f"""
            find("phone-form").elements.phone.value = "{phone}";
            find("phone-form").requestSubmit();
            await wait(() => isShown("otp-form"));
        """
        run(page, requested)
        otp = app.service.code(phone)
        added = f"""
            {RECORD_VIOLATIONS}
            window.violations = violations;
            find("otp-form").elements.otp.value = "{otp}";
            find("otp-form").requestSubmit();
            await wait(() => isShown("add-passkey"));
            const {{dialtone}} = await import("/session.js");
            find("add-passkey").click();
            await wait(() => text("message"));
            return dialtone.session.user_id;
        """
        user_id = run(page, added)
        present = {"authenticatorId": authenticator, "enabled": False}
        page.call("WebAuthn.setAutomaticPresenceSimulation", **present)
        run(page, "find('sign-out').click(); await wait(() => isShown('use-passkey'));")
        # The user closes the question of the browser.
        closed = """
            const get = navigator.credentials.get;
            const asked = new Promise((resolve) => {
              navigator.credentials.get = () => {
                setTimeout(resolve, 100);
                return Promise.reject(new DOMException("closed", "NotAllowedError"));
              };
            });
            find("use-passkey").click();
            await asked;
            navigator.credentials.get = get;
            return text("message");
        """
        assert run(page, closed) == ""
        page.call("WebAuthn.setAutomaticPresenceSimulation", **present | {"enabled": True})
        signed_in = """
            find("use-passkey").click();
            await wait(() => isShown("add-passkey"));
            const {dialtone} = await import("/session.js");
            return [dialtone.session.user_id, text("message"), window.violations];
        """
        assert run(page, signed_in) == [user_id, "", []]
