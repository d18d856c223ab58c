"""`DIALTONE_WHATSAPP`, and the variables of Meta's account."""

from adapters.messages.whatsapp_cloud.messenger import WhatsAppMessenger
from application.ports.webhooks import SignedRequest
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.whatsapp import META as PROVIDER
from entrypoints.features.whatsapp import WhatsAppSettings
from tests.support.whatsapp.fake_whatsapp import make_webhook, sign
from tests.unit.entrypoints.settings.texts import META

SERVICE = {"DIALTONE_COUNTRIES": "US", "DIALTONE_PUBLIC_URL": "https://dialtone.example.org"}


def read(environ: dict[str, str]) -> WhatsAppSettings:
    return read_settings(environ, None).of(WhatsAppSettings)


async def test_webhooks_are_signed_with_any_of_several_secrets() -> None:
    secrets = (META["WHATSAPP_APP_SECRET"], "f" * 32)
    several = {"WHATSAPP_APP_SECRET": ", ".join(secrets)}
    body = make_webhook()

    async with PROVIDER.open_messenger(read(SERVICE | META | several)) as messenger:
        assert isinstance(messenger, WhatsAppMessenger)
        found = [
            messenger.read_statuses(
                SignedRequest("", {"x-hub-signature-256": sign(secret, body)}, body=body)
            )
            for secret in (*secrets, "0" * 32)
        ]

    assert found == [[], [], None]
