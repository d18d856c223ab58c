"""`check-settings --connect` with codes by WhatsApp."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.entrypoints.commands.test_connection_checks import check_part
from tests.support.whatsapp.fake_whatsapp import FakeWhatsApp, a_template


def settings_of(server: FakeWhatsApp, **environ: str) -> dict[str, str]:
    service = {
        "DIALTONE_WHATSAPP": "meta",
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_PUBLIC_URL": "http://127.0.0.1:8000",
    }
    return {**service, **server.environ, **environ}


async def test_a_right_account_is_checked_without_a_message(tmp_path: Path) -> None:
    with FakeWhatsApp() as server:
        assert await check_part("whatsapp", tmp_path, **settings_of(server)) == "ok"

    assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize(
    ("environ", "templates", "words"),
    [
        ({"WHATSAPP_ACCESS_TOKEN": "wrong"}, [a_template()], "WHATSAPP_ACCESS_TOKEN"),
        ({"WHATSAPP_PHONE_NUMBER_ID": "12345"}, [a_template()], "WHATSAPP_PHONE_NUMBER_ID"),
        ({"WHATSAPP_BUSINESS_ACCOUNT_ID": "12345"}, [a_template()], "WHATSAPP_BUSINESS_ACCOUNT_ID"),
        ({"WHATSAPP_TEMPLATE_LANGUAGES": "en_US,de"}, [a_template()], "in de does not exist"),
        ({}, [a_template(status="PAUSED")], "in en_US has the status PAUSED"),
        ({}, [a_template(message_send_ttl_seconds=600)], "message_send_ttl_seconds"),
    ],
)
async def test_what_is_wrong_is_named(
    tmp_path: Path, environ: dict[str, str], templates: list[dict[str, Any]], words: str
) -> None:
    with FakeWhatsApp() as server:
        server.templates = templates
        line = await check_part("whatsapp", tmp_path, **settings_of(server, **environ))

    assert words in line
    assert server.access_token not in line
