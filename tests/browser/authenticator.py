"""Virtual authenticators of Chromium, which make and use passkeys."""

from typing import Any

from tests.browser.chromium import Page


def add_authenticator(page: Page, transport: str = "internal", **options: bool) -> str:
    """Connect an authenticator that is used without a person; return its id."""
    all_options: dict[str, Any] = {
        "protocol": "ctap2",
        "transport": transport,
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        **options,
    }
    added = page.call("WebAuthn.addVirtualAuthenticator", options=all_options)
    authenticator_id: str = added["authenticatorId"]
    return authenticator_id
