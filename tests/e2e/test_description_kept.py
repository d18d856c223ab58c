"""The service does what its description says, whatever is sent to it."""

import secrets
from typing import Any, Final

import pytest
from hypothesis import settings
from schemathesis.engine import Status

from tests.e2e.description.callers import Callers
from tests.e2e.description.run import run

STEADY_SEED: Final = 1
CHECKS: Final = {
    "allow_header_conformance", "content_type_conformance", "ensure_resource_availability",
    "ignored_auth", "missing_required_header", "negative_data_rejection", "not_a_server_error",
    "object_level_authorization", "positive_data_acceptance", "response_headers_conformance",
    "response_schema_conformance", "status_code_conformance", "unsupported_method",
    "use_after_free",
}  # fmt: skip
PHASES: Final = {"examples", "coverage", "fuzzing", "stateful"}
LINKED: Final = {"readItem", "deleteItem"}
# Their success takes the code of a message; test_description_of_sign_in.py has that.
WITHOUT_SUCCESS: Final = {
    "POST /authenticate/validate_otp", "POST /auth/refresh", "DELETE /auth/sessions/{session_id}",
}  # fmt: skip


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The same each time in `make test`; another each time in `make test-long`, unless given."""
    given = request.config.getoption("--hypothesis-seed")
    if given and given != "random":
        return int(given)
    return STEADY_SEED if settings().derandomize else secrets.randbelow(2**32)


# A thousand requests: it judges no speed, so it ends only what hangs.
@pytest.mark.timeout(3000)
@pytest.mark.hypothesis
def test_what_is_described_works_and_every_answer_is_as_described(
    callers: Callers, document: dict[str, Any], seed: int
) -> None:
    report = run(callers, document, seed)
    assert not report.findings, str(report)
    # What follows can only fail when less was tried than is said here.
    assert {name: report.phases[name] for name in PHASES} == dict.fromkeys(PHASES, Status.SUCCESS)
    assert report.checks == CHECKS
    operations = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    working = {label for label, statuses in report.answers.items() if min(statuses) < 300}
    assert operations - working == WITHOUT_SUCCESS
    assert {link.split()[4] for link in report.links if "Inferred" not in link} >= LINKED
