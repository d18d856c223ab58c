"""The hooks of the documentation in JavaScript, as processes."""

from pathlib import Path
from typing import Any, Final

import httpx
import jwt

from tests.support.client import open_client, sign_in
from tests.support.node_samples import run_node_sample
from tests.support.servers.fake_hook import SECRET
from tests.support.servers.process import free_ports, wait_until
from tests.support.service import running

PHONE: Final = "+14155560002"
NEW_SECRET: Final = "whsec_YSBuZXdlciBzZWNyZXQgb2YgdGhlIGxvZ2lucyE="


def verify(http: httpx.Client, otp: dict[str, Any]) -> httpx.Response:
    """Send a code, again after a 503: a machine that stalls may take longer than the hook has."""
    for _ in range(19):
        response = http.post("/auth/verify-otp", json=otp)
        if response.status_code != 503:
            return response
    return http.post("/auth/verify-otp", json=otp)


def claims_of(response: httpx.Response) -> Any:
    token = response.json()["access_token"]
    return jwt.decode(token, options={"verify_signature": False}).get("app")


def test_the_login_hook_decides_about_logins(tmp_path: Path) -> None:
    [port] = free_ports(1)
    output, secret = tmp_path / "hook.out", {"LOGIN_HOOK_SECRET": SECRET}
    environ = {
        "DIALTONE_LOGIN_HOOK": f"http://127.0.0.1:{port}/",
        "DIALTONE_LOGIN_HOOK_SECRET": f"{NEW_SECRET},{SECRET}",
    }
    with running(tmp_path / "service", environ) as service, open_client(service) as http:

        def request_code(number: int) -> dict[str, Any]:
            """Return what verifies the code of the message with this number."""
            requested = http.post("/auth/request-otp", json={"phone": PHONE}).json()
            otp = {"phone": PHONE, "otp": service.code(PHONE, number), "refresh": True}
            return otp | {"request_id": requested["request_id"]}

        otp = request_code(1)
        failed = http.post("/auth/verify-otp", json=otp)
        assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
        with run_node_sample("login_hook.mjs", port, output, **secret):
            first = verify(http, otp)
            assert claims_of(first) == {"plan": "free"}
            tokens = {"refresh_token": first.json()["refresh_token"]}
            assert claims_of(http.post("/auth/refresh", json=tokens)) == {"plan": "free"}
            wait_until(lambda: service.run("check-settings", "--connect").returncode == 0)
        asked, *_, tested = [line.split() for line in output.read_text().splitlines()]
        assert (asked[0], asked[2], tested[0]) == ("login.pending", "allow", "login.test")

        suspended = first.json()["user_id"]
        with run_node_sample("login_hook.mjs", port, output, **secret, SUSPENDED=suspended):
            rejected = verify(http, request_code(2))
            assert (rejected.status_code, rejected.json()["code"]) == (403, "login_rejected")
            assert rejected.json()["error"].startswith("Your account is suspended.")


def test_the_sms_hook_sends_codes_and_reports_their_delivery(tmp_path: Path) -> None:
    [port] = free_ports(1)
    output = tmp_path / "hook.out"
    environ = {
        "DIALTONE_SMS": f"http://127.0.0.1:{port}/",
        "DIALTONE_SMS_HOOK_SECRET": SECRET,
        "DIALTONE_COUNTRIES": "US",
    }

    def inbox(number: str) -> list[str]:
        lines = [line.partition(" ") for line in output.read_text().splitlines()]
        return [text for to, _, text in lines if to == number]

    with (
        run_node_sample("sms_hook.mjs", port, output, SMS_HOOK_SECRET=SECRET),
        running(tmp_path / "service", environ, inbox) as service,
    ):
        sign_in(service, PHONE)
        service.wait_until_logged("otp_delivered")
