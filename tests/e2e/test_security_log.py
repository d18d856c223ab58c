"""The security events of a running service, with the ids of their requests."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from tests.e2e.app import bearer
from tests.support.builders import a_parsed_token
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON

PHONE: Final = "+14155592001"
REVIEWER: Final = "+15005550006"
CODE: Final = "271828"


@dataclass
class Client:
    """Sends requests, and keeps their ids and expected events."""

    http: httpx.Client
    expected: list[tuple[str, str]] = field(default_factory=list)

    def post(self, path: str, body: Any, *events: str, **headers: str) -> dict[str, Any]:
        """Send a request that emits these events, in this order."""
        response = self.http.post(path, json=body, headers=headers)
        self.expected += [(event, response.headers["x-request-id"]) for event in events]
        parsed: dict[str, Any] = response.json() if response.content else {}
        return parsed


def security_lines(log: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.splitlines()]
    return [line for line in lines if line["logger"] == "dialtone.security"]


def test_events_have_the_id_of_their_request_and_no_secrets(tmp_path: Path) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    numbers = f"{REVIEWER}={CODE}@{tomorrow:%Y-%m-%d}"
    with (
        running(tmp_path, {"DIALTONE_TEST_OTPS": numbers}) as service,
        httpx.Client(base_url=service.url, timeout=20, **PLAIN_HTTP) as http,
    ):
        client = Client(http)
        requested = client.post(
            "/auth/request-otp", {"phone": PHONE}, "otp_requested", "otp_accepted"
        )
        code = service.code(PHONE)
        body = {"phone": PHONE, "otp": code, "refresh": True}
        wrong = {**body, "otp": "000000" if code != "000000" else "000001"}
        client.post("/auth/verify-otp", wrong, "otp_verification_failed")
        first = client.post("/auth/verify-otp", body, "login_succeeded")
        token = first["refresh_token"]
        second = client.post("/auth/refresh", {"refresh_token": token}, "session_refreshed")
        forged = replace(a_parsed_token(token), generation=9).text
        client.post("/auth/refresh", {"refresh_token": forged}, "refresh_token_rejected")
        client.post("/auth/request-otp", {"phone": REVIEWER}, "otp_requested", "test_otp_used")
        reviewer = {"phone": REVIEWER, "otp": CODE}
        third = client.post("/auth/verify-otp", reviewer, "login_succeeded", "test_otp_used")
        client.post("/auth/logout", {}, "session_revoked", **bearer(third["access_token"]))
        blocked = service.run("user", "block", REVIEWER, *REASON)
        client.post("/auth/request-otp", {"phone": REVIEWER}, "otp_requested", "test_otp_used")
        deleted = http.delete("/users/me", headers=bearer(second["access_token"]))
        client.expected.append(("user_deleted", deleted.headers["x-request-id"]))

    lines = security_lines(service.log)
    assert [(line["event"], line["request_id"]) for line in lines] == client.expected
    (line,) = security_lines(blocked.stderr)
    assert (line["event"], line["phone"]) == ("phone_blocked", "+1********06")
    assert not {"request_id", "client_ip"} & line.keys()
    assert {line["client_ip"] for line in lines} == {"127.0.0.1"}
    assert {line.get("phone") for line in lines} == {None, "+1********01", "+1********06"}
    secrets = [code, CODE, requested["request_id"], PHONE[2:], REVIEWER[2:], token, forged]
    secrets += [
        tokens[name] for tokens in (first, second) for name in ("access_token", "refresh_token")
    ]
    for secret in [*secrets, third["access_token"]]:
        assert secret not in service.log + blocked.stderr
