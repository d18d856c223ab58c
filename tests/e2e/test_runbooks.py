"""What docs/runbooks.md says, done once where no other test does it."""

import json
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.own_messenger import OWN_FACTORY, OwnMessenger
from tests.e2e.test_start import me, sign_in
from tests.support.forked_service import ForkedService, running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.service import Service

PHONE, OTHER_PHONE = "+14155594101", "+14155594102"
STRANGERS: Final = 7
"""What strangers have of a limit of ten."""
BEHIND_A_PROXY: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.1"}


def request_otp(service: Service, phone: str, client_ip: str = "198.18.0.1") -> httpx.Response:
    headers = {"X-Forwarded-For": client_ip}
    url = f"{service.url}/auth/request-otp"
    return httpx.post(url, json={"phone": phone}, headers=headers, timeout=20, **PLAIN_HTTP)


def lines_of(service: Service, event: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait for so many lines with this event, because the log is written late; return all."""
    service.wait_for(lambda: service.log.count(f'"event":"{event}"') >= count)
    lines = [json.loads(line) for line in service.log.splitlines()]
    return [line for line in lines if line["event"] == event]


def restart(service: Service, **settings: str) -> None:
    """Restart the service with other settings."""
    assert service.stop() == 0
    service.settings |= settings
    service.start()


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

        restart(service, DIALTONE_SMS_LIMIT_PER_COUNTRY="100/1h")
        assert status_of(STRANGERS + 2) == 200


def test_a_country_that_is_no_longer_served_gets_no_messages(tmp_path: Path) -> None:
    with running(tmp_path, {"DIALTONE_COUNTRIES": "US,AZ"}) as service:
        assert request_otp(service, "+994501234567").status_code == 200

        restart(service, DIALTONE_COUNTRIES="US")

        rejected = request_otp(service, "+994501234568")
        assert (rejected.status_code, "country_not_served" in rejected.text) == (400, True)
        (line,) = lines_of(service, "otp_request_rejected")
        assert (line["limit"], line["country"]) == ("country_not_served", "AZ")
        assert request_otp(service, PHONE).status_code == 200


def test_a_provider_that_is_down_is_named_and_can_be_replaced(tmp_path: Path) -> None:
    own = OwnMessenger(tmp_path).install()
    with FakeTwilio() as twilio:
        providers = {"DIALTONE_SMS": f"twilio,{OWN_FACTORY}", "DIALTONE_COUNTRIES": "*"}
        with running(tmp_path, twilio.environ | providers, own.inbox) as service:
            twilio.behavior = rejects(20003, 401)
            assert request_otp(service, PHONE).status_code == 200

            (rejected,) = lines_of(service, "delivery_rejected")
            assert (rejected["level"], rejected["provider"]) == ("warning", "twilio")
            assert (rejected["country"], rejected["error_code"]) == ("US", "20003")
            checked = service.run("check-settings", "--connect")
            assert (checked.returncode, "TWILIO_ACCOUNT_SID" in checked.stdout) == (1, True)

            restart(service, DIALTONE_SMS=OWN_FACTORY)
            assert request_otp(service, OTHER_PHONE).status_code == 200
            accepted = lines_of(service, "otp_accepted", 2)
            assert [line["provider"] for line in accepted] == [OWN_FACTORY] * 2
            assert len(lines_of(service, "delivery_rejected")) == 1


def test_a_person_is_found_in_the_log_of_today_by_the_hash_of_user_show(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        sign_in(service, PHONE)
        sign_in(service, OTHER_PHONE)
        shown = service.run("user", "show", PHONE)

        (row,) = [line for line in shown.stdout.splitlines() if "phone_hash" in line]
        phone_hash = row.split()[-1]
        (login,) = [
            line
            for line in lines_of(service, "login_succeeded", 2)
            if line["phone_hash"] == phone_hash
        ]
        assert login["phone"] == f"+1********{PHONE[-2:]}"


@pytest.mark.parametrize("has_copy", [True, False], ids=["with a copy", "without a copy"])
def test_lost_keys_stop_the_start_until_a_copy_or_a_new_database(
    tmp_path: Path, has_copy: bool
) -> None:
    service = ForkedService(tmp_path).start()
    token = sign_in(service, PHONE)
    assert service.stop() == 0
    secrets = tmp_path / "secrets.json"
    copy = secrets.read_bytes()
    secrets.unlink()

    generated = service.run("keys", "generate", str(secrets))
    assert generated.returncode == 0, generated.stderr
    failed = service.run("run")
    assert (failed.returncode, "was written with other keys" in failed.stderr) == (1, True)

    if has_copy:
        secrets.write_bytes(copy)
    else:
        service.settings["DIALTONE_DATABASE"] = f"sqlite:///{tmp_path}/new.db"
    service.start()
    # The account exists without a username; the new database does not know the session.
    assert me(service, token) == (404 if has_copy else 401)
    if not has_copy:
        assert me(service, sign_in(service, PHONE)) == 404
    assert service.stop() == 0
