"""The service responds as its description says, whatever is sent."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import settings
from hypothesis import strategies as st
from schemathesis import AuthContext, Case, HookContext
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.hooks import unregister

from tests.support.client import open_client, sign_in, sign_up, upload_item
from tests.support.examples import examples
from tests.support.images import plain_jpeg
from tests.support.service import running

BEHIND_A_PROXY: Final = {"DIALTONE_TRUSTED_PROXIES": "127.0.0.0/8"}
"""Each request has a client IP of its own, so that no limit is reached."""
CHECKS: Final = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance",
)  # fmt: skip
END_THE_SESSION: Final = {"logout", "delete_me", "revoke_session"}
SUCCEED: Final = {"POST /auth/request-otp", "GET /users/me", "GET /library", "POST /auth/logout"}


def findings_of(recorder: ScenarioRecorder) -> Iterator[tuple[str, str]]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is not Status.SUCCESS and check.failure_info:
                failure = check.failure_info
                kind = f"{recorder.cases[case_id].value.operation.label}: {check.name}"
                yield kind, f"{kind}\n{failure.failure.message}\n{failure.code_sample}"


# It sends hundreds of requests. The timeout only ends a run that hangs.
@pytest.mark.timeout(3000)
@pytest.mark.hypothesis
def test_generated_requests_get_documented_responses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Schemathesis' own client uses the environment's proxies.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    ips, phones = itertools.count(0x0A_00_00_01), itertools.count(2_000_000)
    findings, statuses = dict[str, str](), defaultdict[str, set[int]](set)

    def next_ip() -> dict[str, str]:
        return {"X-Forwarded-For": str(IPv4Address(next(ips)))}

    def set_client_ip(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
        case.headers.pop("Content-Length", None)  # the server would reject it
        case.headers.update(next_ip())

    with running(tmp_path, BEHIND_A_PROXY) as service, open_client(service) as http:
        account = sign_up(service, "+14155581001", "Rahul", next_ip())
        item = upload_item(service, account, plain_jpeg(8, 6))

        class Tokens:
            def get(self, case: Case[Any], context: AuthContext) -> str:
                if case.operation.definition.raw["operationId"] in END_THE_SESSION:
                    return sign_in(service, f"+1415{next(phones)}", next_ip())
                return account.token

            def set(self, case: Case[Any], token: str, context: AuthContext) -> None:
                case.headers["Authorization"] = f"Bearer {token}"

        config = schemathesis.Config.from_dict(
            {
                "seed": 1,
                "continue-on-failure": True,
                "suppress-health-check": ["too_slow"],
                "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
                "generation": {
                    "deterministic": settings().derandomize,
                    "max-examples": examples(2),
                    "database": "none",
                },
                "phases": {
                    # One handler rejects all methods that a path does not have.
                    "coverage": {"unexpected-methods": ["TRACE"]},
                    "stateful": {"enabled": False},
                },
                "dictionaries": {
                    "user": {"values": [account.user_id]},
                    "item": {"values": [item["id"]]},
                },
                "parameters": {
                    "path.user_id": {"dictionary": "user", "probability": 0.5},
                    "query.user_id": {"dictionary": "user", "probability": 0.5},
                    "path.item_id": {"dictionary": "item", "probability": 0.5},
                },
            }
        )
        document = http.get("/openapi.json").json()
        schemathesis.openapi.format("phone", st.sampled_from([account.phone, "+919876543210"]))
        schema = schemathesis.openapi.from_dict(document, config=config)
        schema.config.update(base_url=service.url)
        schema.auth(refresh_interval=None)(Tokens)
        schemathesis.hook("before_call")(set_client_ip)
        try:
            for event in from_schema(schema).execute():
                match event:
                    case events.ScenarioFinished(recorder=recorder):
                        findings |= dict(findings_of(recorder))
                        for case_id, interaction in recorder.interactions.items():
                            if response := interaction.response:
                                label = recorder.cases[case_id].value.operation.label
                                statuses[label].add(response.status_code)
                    case events.NonFatalError():
                        findings[event.label] = event.info.format()
                    case events.FatalError():
                        raise event.exception
        finally:
            unregister(set_client_ip)
    assert not findings, "\n\n".join(findings.values())
    # This can fail only if the run covered less than it should.
    assert {
        f"{method.upper()} {path}" for path, it in document["paths"].items() for method in it
    } == {*statuses}
    assert {label for label in SUCCEED if min(statuses[label]) < 300} == SUCCEED
