"""`check-settings --connect` with codes by WhatsApp."""

from pathlib import Path

from tests.integration.entrypoints.commands.test_connection_checks import check_part
from tests.support.whatsapp.fake_whatsapp import FakeWhatsApp, a_template


def settings_of(server: FakeWhatsApp, **environ: str) -> dict[str, str]:
    service = {
        "DIALTONE_WHATSAPP": "meta",
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_PUBLIC_URL": "http://127.0.0.1:8000",
    }
    return {**service, **server.environ, **environ}


async def test_an_account_is_checked_without_a_message(tmp_path: Path) -> None:
    with FakeWhatsApp() as server:
        assert await check_part("whatsapp", tmp_path, **settings_of(server)) == "ok"
        for name in ("WHATSAPP_ACCESS_TOKEN", "WHATSAPP_PHONE_NUMBER_ID"):
            rejected = await check_part(
                "whatsapp", tmp_path, **settings_of(server, **{name: "12345"})
            )
            assert name in rejected
            assert server.access_token not in rejected
        server.templates = [a_template(status="PAUSED")]
        paused = await check_part("whatsapp", tmp_path, **settings_of(server))

    assert "in en_US has the status PAUSED" in paused
    assert {request.method for request in server.requests} == {"GET"}
