"""A phone line by a provider of the operator's own, and a service without one."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.forked_service import ForkedService
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service
from tests.support.voice.right_voice import KEY, post_of

PROJECT: Final = Path(__file__).parents[2]
FACTORY: Final = "tests.support.voice.right_voice:open_right_voice"
PUBLIC_URL: Final = "https://dialtone.example.org"
CALLER: Final = "+14155550001"


def own_phone_line(placed_calls: Path) -> dict[str, str]:
    return {
        "DIALTONE_VOICE": FACTORY,
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_PUBLIC_URL": PUBLIC_URL,
        "DIALTONE_APP_NAME": "Chess Club",
        "PYTHONPATH": str(PROJECT),
        "PLACED_CALLS": str(placed_calls),
    }


def post(service: Service, url: str, call: Mapping[str, Any], key: str = KEY) -> httpx.Response:
    """Post a request of the provider about a call."""
    request = post_of(url, call, key)
    headers = {"Content-Type": "application/json", **request.headers}
    path = url.removeprefix(PUBLIC_URL)
    return httpx.post(f"{service.url}{path}", content=request.body, headers=headers, **PLAIN_HTTP)


def test_calls_are_placed_and_answered_by_another_provider(tmp_path: Path) -> None:
    placed_calls = tmp_path / "placed"
    service = ForkedService(tmp_path, own_phone_line(placed_calls)).start()
    inbound = {"call": "c7", "from": CALLER, "to": "+14155550006", "status": "ringing"}
    answered = post(service, f"{PUBLIC_URL}/voice", inbound)
    assert answered.headers["content-type"].startswith("application/json")
    *said, menu = answered.json()["steps"]
    assert "Welcome to Chess Club" in said[0]["say"]
    joined = post(service, menu["url"], inbound | {"keys": "1"}).json()["steps"]
    assert "you agree" in joined[0]["say"]
    assert post(service, f"{PUBLIC_URL}/voice", inbound, key="another").status_code == 403

    body = {"phone": "+14155550002", "channel": "voice"}
    requested = httpx.post(f"{service.url}/auth/request-otp", json=body, **PLAIN_HTTP)
    assert requested.json()["sent"] is True
    [placed] = placed_calls.read_text().splitlines()
    number, url, status_url = json.loads(placed)
    assert number == "+14155550002"
    outbound = {"call": "c1", "from": "+14155550006", "to": number}
    greeting = post(service, url, outbound).json()["steps"]
    assert "sign-in code" in str(greeting)
    status = outbound | {"status": "completed"}
    assert post(service, status_url, status).status_code == 204

    ready = f"{service.url}/health/ready"
    service.wait_for(lambda: httpx.get(ready, **PLAIN_HTTP).json()["calls"] == "ok")
    assert f"calls:     by {FACTORY}\n" in service.shown
    checked = service.run("check-settings", "--connect").stdout
    assert re.search("^phone line +ok", checked, re.MULTILINE)
    assert f"  Primary handler fails  HTTP POST  {PUBLIC_URL}/voice/fallback\n" in checked
    assert service.stop() == 0


def test_without_a_phone_line_its_settings_and_requests_have_no_effect(tmp_path: Path) -> None:
    left = {"DIALTONE_CALL_FLOW": "/nowhere", "DIALTONE_OPERATOR": "+14155550142"}
    service = ForkedService(tmp_path, left).start()

    assert post(service, f"{PUBLIC_URL}/voice", {}).status_code == 404
    assert "calls" not in httpx.get(f"{service.url}/health/ready", **PLAIN_HTTP).json()
    lines = [json.loads(line) for line in service.log.splitlines()]
    unused = [line["setting"] for line in lines if line["event"] == "setting_unused"]
    assert unused == ["DIALTONE_CALL_FLOW", "DIALTONE_OPERATOR"]
    shown = service.run("check-settings").stdout
    assert "DIALTONE_OPERATOR: This has no effect, because DIALTONE_VOICE is none." in shown
    assert service.stop() == 0
