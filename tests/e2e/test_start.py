"""Starting, starting again, two at once, and what stops a start."""

from pathlib import Path

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service, running


def sign_in(service: Service, phone: str) -> str:
    with httpx.Client(base_url=service.url, **PLAIN_HTTP, timeout=20) as http:
        http.post("/auth/request-otp", json={"phone": phone})
        answer = {"phone": phone, "otp": service.code(phone)}
        token: str = http.post("/auth/verify-otp", json=answer).json()["access_token"]
    return token


def me(service: Service, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{service.url}/users/me", headers=headers, **PLAIN_HTTP).status_code


def test_the_start_says_where_it_listens_and_what_stands_in_for_what(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.wait_until_shown("Ctrl-C")
        for part in (service.url, f"{service.url}/docs", "shown below", "media", "dialtone.db"):
            assert part in service.shown


def test_a_second_start_has_kept_everything(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    token = sign_in(service, "+14155590001")
    assert service.stop() == 0
    service.start()
    assert me(service, token) == 404
    service.stop()


def test_after_a_kill_the_address_is_free_and_what_was_acknowledged_is_there(
    tmp_path: Path,
) -> None:
    service = Service(tmp_path).start()
    token = sign_in(service, "+14155590002")
    service.kill()
    service.start()
    assert me(service, token) == 404
    service.stop()


def test_two_first_starts_at_once_share_one_set_of_keys(tmp_path: Path) -> None:
    services = [Service(tmp_path), Service(tmp_path)]
    for service in services:
        service.launch()
    for service in services:
        service.wait_until_shown("Ctrl-C")
    token = sign_in(services[0], "+14155590003")
    assert [me(service, token) for service in services] == [404, 404]
    for service in services:
        assert service.stop() == 0


def test_a_taken_address_is_told_and_spoils_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        second = service.run("run")
        assert second.returncode == 1
        assert "DIALTONE_BIND" in second.stderr
        assert "Traceback" not in second.stderr
        assert me(service, sign_in(service, "+14155590004")) == 404


def test_every_bad_setting_is_told_at_once_and_by_name(tmp_path: Path) -> None:
    service = Service(
        tmp_path, {"DIALTONE_WORKERS": "many", "DIALTONE_SMS": "twilio", "DIALTONE_ENV": "prod"}
    )
    for command in ("run", "check-settings"):
        refused = service.run(command)
        assert refused.returncode == 2
        for name in ("DIALTONE_WORKERS", "DIALTONE_SMS", "DIALTONE_ENV"):
            assert name in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_database_of_another_service_is_told(tmp_path: Path) -> None:
    (tmp_path / "dialtone.db").write_bytes(b"not a database at all, but long enough" * 100)
    refused = Service(tmp_path).run("run")
    assert refused.returncode == 1
    assert len(refused.stderr.strip().splitlines()) == 1


def test_other_keys_than_the_databases_are_told(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        sign_in(service, "+14155590005")
    (tmp_path / "secrets.json").unlink()
    refused = service.run("run")
    assert refused.returncode == 1
    assert "secrets" in refused.stderr


def test_the_log_is_json_and_tells_no_phone_no_code_and_no_token(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        token = sign_in(service, "+14155590006")
        code = service.code("+14155590006")
        me(service, token)
        httpx.get(f"{service.url}/users/+14155590006", **PLAIN_HTTP)
        httpx.post(
            f"{service.url}/auth/verify-otp",
            content=f'{{"phone": "+14155590006", "otp": "{code}',
            **PLAIN_HTTP,
        )
    assert '"event": "request"' in service.log
    assert all(line.startswith("{") for line in service.log.splitlines())
    for secret in ("4155590006", code, token):
        assert secret not in service.log


def test_the_sweep_can_be_called_beside_the_service(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        swept = service.run("cleanup")
        assert swept.returncode == 0
        assert "removed items: 0" in swept.stdout
