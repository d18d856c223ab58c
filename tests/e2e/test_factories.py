"""Operators' own adapters: the example in docs/adapters.md."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from application.ports.webhooks import SignedRequest
from tests.contract.examples.file_messenger import FileMessenger
from tests.support.adapter_runs import documented_adapter
from tests.support.client import open_client
from tests.support.service import ForkedService

FACTORY: Final = "my_sms:open_file_messenger"
PUBLIC_URL: Final = "https://dialtone.example.org"


@pytest.fixture
def my_sms(tmp_path: Path) -> Mapping[str, str]:
    """Return the variables of the adapter of the page, which is in a folder of its own."""
    (tmp_path / "my_sms.py").write_text(documented_adapter())
    messages = str(tmp_path / "messages")
    return {"PYTHONPATH": str(tmp_path), "MY_SMS_FILE": messages, "MY_SMS_KEY": "key"}


def test_another_provider_sends_and_reports_what_became_of_a_message(
    tmp_path: Path, my_sms: Mapping[str, str]
) -> None:
    settings = {
        "DIALTONE_SMS": FACTORY,
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_PUBLIC_URL": PUBLIC_URL,
        **my_sms,
    }
    service = ForkedService(tmp_path, settings).start()
    with open_client(service) as http:

        def post(request: SignedRequest) -> int:
            path = request.url.removeprefix(PUBLIC_URL)
            return http.post(path, content=request.body, headers=request.headers).status_code

        requested = http.post("/auth/request-otp", json={"phone": "+14155590010"}).json()
        path = f"/auth/requests/{requested['request_id']}"
        [line] = Path(my_sms["MY_SMS_FILE"]).read_text().splitlines()
        url, now = json.loads(line)["status_url"], datetime.now(UTC)
        gateway, stranger = (FileMessenger(tmp_path, key) for key in (b"key", b"another"))
        old = gateway.sign_status(url, None, now - timedelta(minutes=10))
        assert [post(it) for it in (stranger.sign_status(url, None, now), old)] == [403] * 2
        assert http.get(path).json() == {"status": "queued"}
        assert post(gateway.sign_status(url, b"unheard of", now)) == 204
        assert post(gateway.sign_undelivered(url, now)) == 204
        assert http.get(path).json()["status"] == "failed"
    assert service.stop() == 0
