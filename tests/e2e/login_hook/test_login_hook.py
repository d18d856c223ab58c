"""`DIALTONE_LOGIN_HOOK` with the hook of the documentation, as a process."""

from pathlib import Path
from typing import Any, Final

import httpx
import jwt

from tests.e2e.hook_examples import run_example
from tests.e2e.test_metrics import scrape, value
from tests.support.client import open_client
from tests.support.servers.process import free_ports, wait_until
from tests.support.service import running

EXAMPLE: Final = "login_hook.mjs"
SECRET: Final = "whsec_bG9naW5zIG9mIHVzZXJzLCBmb3IgdGVzdHM="
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


def test_the_example_in_javascript_decides_about_logins(tmp_path: Path, phone: str) -> None:
    port, metrics_port = free_ports(2)
    output = tmp_path / "hook.out"
    environ = {
        "DIALTONE_LOGIN_HOOK": f"http://127.0.0.1:{port}/",
        "DIALTONE_LOGIN_HOOK_SECRET": f"{NEW_SECRET},{SECRET}",
        "DIALTONE_METRICS_BIND": f"127.0.0.1:{metrics_port}",
    }
    with (
        running(tmp_path / "service", environ) as service,
        open_client(service) as http,
    ):

        def request_code(number: int) -> dict[str, Any]:
            """Return what verifies the code of the message with this number."""
            requested = http.post("/auth/request-otp", json={"phone": phone}).json()
            otp = {"phone": phone, "otp": service.code(phone, number), "refresh": True}
            return otp | {"request_id": requested["request_id"]}

        otp = request_code(1)
        legacy = {"phone": phone, "otp": otp["otp"]}
        for _ in range(6):  # more often than a wrong code is looked at
            failed = http.post("/auth/verify-otp", json=otp)
            assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
            assert failed.headers["Retry-After"] == "5"
        assert http.post("/authenticate/validate_otp", json=legacy).status_code == 500
        assert service.run("check-settings", "--connect").returncode != 0

        with run_example(EXAMPLE, port, output, LOGIN_HOOK_SECRET=SECRET):
            first = verify(http, otp)
            assert claims_of(first) == {"plan": "free"}
            tokens = {"refresh_token": first.json()["refresh_token"]}
            assert claims_of(http.post("/auth/refresh", json=tokens)) == {"plan": "free"}
            wait_until(lambda: service.run("check-settings", "--connect").returncode == 0)
        asked, *_, tested = [line.split() for line in output.read_text().splitlines()]
        assert (asked[0], asked[2], tested[0]) == ("login.pending", "allow", "login.test")

        suspended = first.json()["user_id"]
        with run_example(EXAMPLE, port, output, LOGIN_HOOK_SECRET=SECRET, SUSPENDED=suspended):
            rejected = verify(http, request_code(2))
            assert (rejected.status_code, rejected.json()["code"]) == (403, "login_rejected")
            assert rejected.json()["error"].startswith("Your account is suspended.")
        text = scrape(service)
        for result, least in {"allowed": 1, "rejected": 1, "failed": 7}.items():
            name = "login_hook_duration_seconds_count"
            assert value(text, name, result=result) >= least
        # The id is that of the first question, which got no response.
        assert f'"webhook_id":"{asked[1]}"' in service.log.replace('": "', '":"')
