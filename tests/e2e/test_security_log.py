"""The security events of a running service, with the ids of their requests."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.builders import a_parsed_token
from tests.support.core_harness import wrong_code
from tests.support.forked_service import running
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON

PHONE: Final = "+14155592001"
REVIEWER: Final = "+15005550006"
CODE: Final = "271828"


def security_lines(log: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.splitlines()]
    return [line for line in lines if line["logger"] == "dialtone.security"]


def test_events_have_the_id_of_their_request_and_no_secrets(tmp_path: Path) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    numbers = f"{REVIEWER}={CODE}@{tomorrow:%Y-%m-%d}"
    request_ids = []
    with (
        running(tmp_path, {"DIALTONE_TEST_OTPS": numbers}) as service,
        httpx.Client(base_url=service.url, timeout=20, **PLAIN_HTTP) as http,
    ):

        def post(path: str, body: Any) -> dict[str, Any]:
            response = http.post(path, json=body)
            request_ids.append(response.headers["x-request-id"])
            parsed: dict[str, Any] = response.json()
            return parsed

        requested = post("/auth/request-otp", {"phone": PHONE})
        code = service.code(PHONE)
        body = {"phone": PHONE, "otp": code, "refresh": True}
        post("/auth/verify-otp", {**body, "otp": wrong_code(code)})
        first = post("/auth/verify-otp", body)
        second = post("/auth/refresh", {"refresh_token": first["refresh_token"]})
        forged = replace(a_parsed_token(first["refresh_token"]), generation=9).text
        post("/auth/refresh", {"refresh_token": forged})
        post("/auth/request-otp", {"phone": REVIEWER})
        third = post("/auth/verify-otp", {"phone": REVIEWER, "otp": CODE})
        blocked = service.run("user", "block", REVIEWER, *REASON)

    lines = security_lines(service.log)
    expected = [
        ["otp_requested", "otp_accepted"],
        ["otp_verification_failed"],
        ["login_succeeded"],
        ["session_refreshed"],
        ["refresh_token_rejected"],
        ["otp_requested", "test_otp_used"],
        ["login_succeeded", "test_otp_used"],
    ]
    assert [
        [line["event"] for line in lines if line["request_id"] == each] for each in request_ids
    ] == expected
    act, line = security_lines(blocked.stderr)
    assert (act["event"], act["subject"]) == ("act_recorded", line["user_id"])
    assert (line["event"], line["phone"]) == ("phone_blocked", "+1********06")
    assert not {"request_id", "client_ip"} & (act.keys() | line.keys())
    assert {line["client_ip"] for line in lines} == {"127.0.0.1"}
    assert {line.get("phone") for line in lines} == {None, "+1********01", "+1********06"}
    secrets = [code, CODE, requested["request_id"], PHONE[2:], REVIEWER[2:], forged]
    secrets += [first["refresh_token"], second["refresh_token"]]
    secrets += [tokens["access_token"] for tokens in (first, second, third)]
    assert [secret for secret in secrets if secret in service.log + blocked.stderr] == []
