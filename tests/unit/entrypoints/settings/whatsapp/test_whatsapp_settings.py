"""`DIALTONE_WHATSAPP`, and the variables of Meta's account."""

from typing import Final

import pytest

from adapters.messages.whatsapp_cloud.messenger import WhatsAppMessenger
from application.ports.webhooks import SignedRequest
from entrypoints.features.whatsapp.feature import WhatsAppSettings
from entrypoints.features.whatsapp.providers import META
from entrypoints.settings.read import read_settings
from entrypoints.settings.values import Factory
from tests.support.settings import problems
from tests.support.whatsapp.fake_whatsapp import make_webhook, sign

ACCOUNT: Final = {
    "WHATSAPP_ACCESS_TOKEN": "EAAJZCsecret",
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_BUSINESS_ACCOUNT_ID": "102290129340398",
    "WHATSAPP_APP_SECRET": "0123456789abcdef0123456789abcdef",
    "WHATSAPP_VERIFY_TOKEN": "a-verify-token-of-ours",
    "WHATSAPP_TEMPLATE": "sign_in_code",
}
SERVICE: Final = {
    "DIALTONE_WHATSAPP": "meta",
    "DIALTONE_COUNTRIES": "US",
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
}


def test_an_account_has_secrets_and_a_first_language() -> None:
    languages = {"WHATSAPP_TEMPLATE_LANGUAGES": "pt_BR, en, fil"}
    settings = read_settings({**SERVICE, **ACCOUNT, **languages}, None)
    account = settings.of(WhatsAppSettings)

    assert account.whatsapp is META
    assert account.whatsapp_app_secrets.value == (ACCOUNT["WHATSAPP_APP_SECRET"],)
    assert account.whatsapp_template_languages == ("pt_BR", "en", "fil")
    assert account.whatsapp_api_base == "https://graph.facebook.com"


async def test_webhooks_are_signed_with_any_of_several_secrets() -> None:
    secrets = (ACCOUNT["WHATSAPP_APP_SECRET"], "f" * 32)
    several = {"WHATSAPP_APP_SECRET": ", ".join(secrets)}
    body = make_webhook()

    async with META.open_messenger(read_settings(SERVICE | ACCOUNT | several, None)) as messenger:
        assert isinstance(messenger, WhatsAppMessenger)
        read = [
            messenger.read_statuses(
                SignedRequest("", {"x-hub-signature-256": sign(secret, body)}, body=body)
            )
            for secret in (*secrets, "0" * 32)
        ]

    assert read == [[], [], None]


def test_each_variable_of_the_account_is_needed() -> None:
    assert list(problems(SERVICE)) == list(META.required)


@pytest.mark.parametrize("provider", ["none", "console"])
def test_the_variables_are_read_for_meta_only(provider: str) -> None:
    of_another_program = {"WHATSAPP_PHONE_NUMBER_ID": "+1 415 555 0001"}

    settings = read_settings({"DIALTONE_WHATSAPP": provider, **of_another_program}, None)

    assert settings.of(WhatsAppSettings).whatsapp_phone_number_id == ""


def test_production_sends_the_token_by_https_only() -> None:
    production = {**SERVICE, **ACCOUNT, "DIALTONE_ENV": "production"}

    for url, is_wrong in (
        ("http://graph.example.org", True),
        ("https://graph.example.org", False),
        ("http://127.0.0.1:9999", False),
    ):
        found = problems({**production, "WHATSAPP_API_BASE": url})
        assert ("WHATSAPP_API_BASE" in found) is is_wrong, url


def test_nobody_sends_by_default_and_a_factory_of_an_operator_may() -> None:
    own = {"DIALTONE_WHATSAPP": "our.own:factory"}

    assert read_settings({}, None).of(WhatsAppSettings).whatsapp is None
    assert list(problems(own)) == ["DIALTONE_PUBLIC_URL", "DIALTONE_COUNTRIES"]
    service = {**SERVICE, **own}
    read = read_settings(service, None).of(WhatsAppSettings)
    assert read.whatsapp == Factory("our.own:factory")
    line = problems({"DIALTONE_WHATSAPP": "fax"})["DIALTONE_WHATSAPP"]
    assert "console, meta, none or package.module:factory" in line


def test_production_prints_no_codes() -> None:
    lines = problems({"DIALTONE_WHATSAPP": "console", "DIALTONE_ENV": "production"})
    assert "console prints codes" in lines["DIALTONE_WHATSAPP"]
