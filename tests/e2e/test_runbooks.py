"""What docs/runbooks.md says, where no other test does it."""

import json
import re
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import httpx

from tests.e2e.test_start import me, sign_in
from tests.support.forked_service import ForkedService, running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON, Service

PHONE: Final = "+14155594101"
STRANGERS: Final = 7
"""What strangers have of a limit of ten."""
BEHIND_A_PROXY: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}


def request_otp(service: Service, phone: str, client_ip: str) -> httpx.Response:
    headers = {"X-Forwarded-For": client_ip}
    url = f"{service.url}/auth/request-otp"
    return httpx.post(url, json={"phone": phone}, headers=headers, timeout=20, **PLAIN_HTTP)


def lines_of(service: Service, event: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait for so many lines with this event, because the log is written late; return all."""
    service.wait_for(lambda: service.log.count(f'"event":"{event}"') >= count)
    lines = [json.loads(line) for line in service.log.splitlines()]
    return [line for line in lines if line["event"] == event]


def test_a_country_whose_limit_is_reached_is_served_after_it_was_raised(tmp_path: Path) -> None:
    limit = {"DIALTONE_SMS_LIMIT_PER_COUNTRY": "10/1h"}
    with running(tmp_path, BEHIND_A_PROXY | limit) as service:

        def status_of(number: int) -> int:
            # Each from a network, and in a number range, of its own.
            phone = f"+1415{200 + number}4567"
            return request_otp(service, phone, f"198.18.{number}.1").status_code

        statuses = [status_of(number) for number in range(STRANGERS + 2)]
        assert statuses == [200] * STRANGERS + [429] * 2

        (warning,) = lines_of(service, "shared_limit_reached")
        assert warning["level"] == "warning"
        reached = {"limit": "unverified_per_country", "part": "strangers", "country": "US"}
        assert warning.items() >= reached.items()
        for rejected in lines_of(service, "otp_request_rejected", 2):
            assert (rejected["limit"], rejected["country"]) == (reached["limit"], "US")

        assert service.stop() == 0
        service.settings["DIALTONE_SMS_LIMIT_PER_COUNTRY"] = "100/1h"
        service.start()
        assert status_of(STRANGERS + 2) == 200


def test_a_customer_who_gets_no_code_is_told_what_rejects_the_requests(tmp_path: Path) -> None:
    limit = {"DIALTONE_SMS_LIMIT_PER_COUNTRY": "10/1h"}
    stranger = "+14155594102"
    with running(tmp_path, BEHIND_A_PROXY | limit) as service:
        sign_in(service, PHONE)
        for number in range(STRANGERS):
            request_otp(service, f"+1415{200 + number}4567", f"198.18.{number}.1")
        responses = [request_otp(service, phone, "203.0.113.9") for phone in (PHONE, stranger)]

        def shown(phone: str) -> str:
            return service.run("user", "show", phone).stdout

        service.wait_for(lambda: "rejections: 1" in shown(PHONE))
        known, unknown = shown(PHONE), shown(stranger)
        exported = service.run("user", "export", PHONE, "--output", "own.zip", *REASON)
        lines = lines_of(service, "otp_request_rejected", 2)

    for response in responses:
        assert (response.status_code, response.json().keys()) == (
            429,
            {"error", "code", "retry_after"},
        )
    assert re.search(
        r"^deliveries: 1\n  sent at \S+ \S+ UTC, channel sms, provider console, status accepted.*\n"
        r"rejections: 1\n  at \S+ \S+ UTC, channel sms, summary rejected: new customers in US,"
        r" until .* UTC \(not recognized, without a proof\)$",
        known,
        re.MULTILINE,
    )
    assert "Rejected requests of this phone are only in the log" in unknown
    assert exported.returncode == 0
    with ZipFile(tmp_path / "own.zip") as archive:
        [rejection] = json.loads(archive.read("sign_in.json"))["rejected_requests"]
    expected = {"limit": "unverified_per_country", "part": "strangers"}
    assert rejection.items() >= expected.items()
    for line in lines:
        assert line.items() >= (expected | {"recognition": "none", "has_proof": False}).items()
    assert re.search(rf"^phone hash: +{lines[1]['phone_hash']}$", unknown, re.MULTILINE)


def test_lost_keys_stop_the_start_until_a_copy_or_a_new_database(tmp_path: Path) -> None:
    service = ForkedService(tmp_path).start()
    token = sign_in(service, PHONE)
    assert service.stop() == 0
    secrets = tmp_path / "secrets.json"
    copy = tmp_path / "copy.json"
    secrets.rename(copy)

    generated = service.run("keys", "generate", str(secrets))
    assert generated.returncode == 0, generated.stderr
    failed = service.run("run")
    assert (failed.returncode, "was written with other keys" in failed.stderr) == (1, True)

    generated_keys = secrets.read_bytes()
    copy.rename(secrets)
    service.start()
    assert me(service, token) == 404  # the account exists without a username
    assert service.stop() == 0

    secrets.write_bytes(generated_keys)
    service.settings["DIALTONE_DATABASE"] = f"sqlite:///{tmp_path}/new.db"
    service.start()
    assert me(service, token) == 401
    assert me(service, sign_in(service, PHONE)) == 404
    assert service.stop() == 0
