"""The service conforms to its OpenAPI description."""

import secrets
from typing import Any, Final

import pytest
from hypothesis import settings
from schemathesis.engine import Status

from tests.e2e.description.people import People
from tests.e2e.description.run import run_schemathesis

FIXED_SEED: Final = 1
PHASES: Final = {"examples", "coverage", "fuzzing", "stateful"}
# They succeed only with the code of a message, or for administrators, as in requests of
# tests/integration/entrypoints/http, whose responses are compared with the description too.
ADMIN_ACTIONS: Final = {
    "search", "reset-limits", "sign-out", "block", "unblock", "promote", "demote",
    "export", "delete", "detach",
}  # fmt: skip
NEVER_SUCCESSFUL: Final = {
    "POST /authenticate/validate_otp", "POST /auth/refresh", "DELETE /auth/sessions/{session_id}",
    "POST /users/me/phone",
    "GET /calls/{call_id}/recording", "GET /admin/audit",
    "GET /admin/statistics", "GET /admin/users", "GET /admin/blocks", "POST /admin/blocks",
    "POST /admin/blocks/{block_id}/end",
    "GET /admin/users/{user_id}", "PATCH /admin/users/{user_id}",
    "POST /admin/users/{user_id}/change-phone",
    *(f"{method} /admin/users/{{user_id}}/{name}"
      for method in ("GET", "PUT") for name in ("app-data", "claims")),
    *(f"POST /admin/users/{action}" for action in ADMIN_ACTIONS),
    "GET /admin/library", "GET /admin/library/{item_id}", "GET /admin/library/{item_id}/file",
    *(f"POST /admin/library/{{item_id}}/{action}" for action in ("hide", "unhide", "delete")),
}  # fmt: skip


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Fixed in `make test`, random in `make test-long`, unless given on the command line."""
    given = request.config.getoption("--hypothesis-seed")
    if given and given != "random":
        return int(given)
    return FIXED_SEED if settings().derandomize else secrets.randbelow(2**32)


# It sends hundreds of requests. The timeout only ends a run that hangs.
@pytest.mark.timeout(3000)
@pytest.mark.hypothesis
def test_generated_requests_get_documented_responses(
    people: People, document: dict[str, Any], seed: int
) -> None:
    report = run_schemathesis(people, document, seed)
    assert not report.findings, str(report)
    # The following can fail only if the run covered less than it should.
    assert {name: report.phases[name] for name in PHASES} == dict.fromkeys(PHASES, Status.SUCCESS)
    operations = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    successful = {label for label, statuses in report.statuses.items() if min(statuses) < 300}
    assert operations - successful == NEVER_SUCCESSFUL
