"""Starts of the service: the first, the next, two at once, and failed ones."""

import json
from importlib.metadata import version
from pathlib import Path

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running


def sign_in(service: Service, phone: str) -> str:
    with httpx.Client(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        http.post("/auth/request-otp", json={"phone": phone})
        body = {"phone": phone, "otp": service.code(phone)}
        token: str = http.post("/auth/verify-otp", json=body).json()["access_token"]
    return token


def me(service: Service, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{service.url}/users/me", headers=headers, **PLAIN_HTTP).status_code


def test_a_service_starts_again_with_its_data_after_a_stop_and_after_a_kill(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    token = sign_in(service, "+14155590001")
    service.wait_for(lambda: "Press Ctrl-C to stop.\n\n" in service.shown)
    assert service.stop() == 0
    assert service.shown.startswith("\n  Dialtone ")
    for part in (service.url, f"{service.url}/docs", "shown below", "media", "dialtone.db"):
        assert part in service.shown
    service.start()
    assert me(service, token) == 404
    # A kill may lose the latest lines.
    service.wait_until_logged("service_started")
    service.kill()
    service.start()
    assert me(service, token) == 404
    service.wait_until_logged("service_started")
    assert service.stop() == 0

    lines = [json.loads(line) for line in service.log.splitlines()]
    own = [
        line
        for line in lines
        if line["event"] != "http_request" and line["logger"] != "dialtone.security"
    ]
    events = [line["event"] for line in own]
    stopped = ["service_stopping", "service_stopped"]
    started = ["service_started"]
    assert events == ["database_created", *(started + stopped), *started, *(started + stopped)]
    start = own[1]
    assert start["version"] == version("dialtone")
    assert (start["bind"], start["workers"]) == (f"127.0.0.1:{service.port}", 1)
    assert start["database"] == f"sqlite:///{tmp_path}/dialtone.db"


def test_a_port_in_use_is_an_error_and_the_first_service_goes_on(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        second = service.run("run")
        assert second.returncode == 1
        assert "DIALTONE_BIND" in second.stderr
        assert "Traceback" not in second.stderr
        assert me(service, sign_in(service, "+14155590004")) == 404


def test_all_invalid_settings_are_reported_by_name(tmp_path: Path) -> None:
    service = Service(
        tmp_path, {"DIALTONE_WORKERS": "many", "DIALTONE_SMS": "twilio", "DIALTONE_ENV": "prod"}
    )
    for command in ("run", "check-settings"):
        failed = service.run(command)
        assert failed.returncode == 2
        for name in ("DIALTONE_WORKERS", "DIALTONE_SMS", "DIALTONE_ENV"):
            assert name in failed.stderr
        assert "Traceback" not in failed.stderr


def test_the_log_is_json_without_phones_codes_and_tokens(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert "deleted items: 0" in service.run("cleanup").stdout
        token = sign_in(service, "+14155590006")
        code = service.code("+14155590006")
        me(service, token)
        httpx.get(f"{service.url}/users/+14155590006", **PLAIN_HTTP)
        httpx.post(
            f"{service.url}/auth/verify-otp",
            content=f'{{"phone": "+14155590006", "otp": "{code}',
            headers={"Content-Type": "application/json"},
            **PLAIN_HTTP,
        )
        url = f"{service.url}/health/live"
        last = httpx.get(url, **PLAIN_HTTP).headers["X-Request-Id"]
    requests = [
        line
        for line in map(json.loads, service.log.splitlines())
        if line["event"] == "http_request"
    ]
    assert requests
    for line in requests:
        fields = {"method", "path", "status", "duration_ms", "request_id", "client_ip"}
        assert fields <= line.keys()
    assert last in {line["request_id"] for line in requests}
    for secret in ("4155590006", code, token):
        assert secret not in service.log
