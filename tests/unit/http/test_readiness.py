"""The response of the readiness check names each part."""

import msgspec

from application.operations.check_readiness import Readiness
from entrypoints.http.operations.schemas import to_readiness_response


def body_of(readiness: Readiness, *, is_stopping: bool = False) -> dict[str, str]:
    body: dict[str, str] = msgspec.to_builtins(
        to_readiness_response(readiness, is_stopping=is_stopping)
    )
    return body


def test_a_shared_database_is_unavailable_and_the_details_say_why() -> None:
    readiness = Readiness("no answer", None, None, disk="low", is_database_shared=True)

    assert body_of(readiness) == {
        "status": "ready",
        "database": "unavailable",
        "media": "ok",
        "messages": "ok",
        "disk": "low",
        "details": "no answer",
    }


def test_a_database_of_its_own_has_its_problem_and_makes_it_unavailable() -> None:
    body = body_of(Readiness("the disk is full", None, None))

    assert (body["status"], body["database"]) == ("unavailable", "the disk is full")
    assert "details" not in body


def test_a_provider_of_proofs_is_named_only_where_it_can_be_checked() -> None:
    assert "attestation" not in body_of(Readiness(None, None, None))
    for problem, shown in ((None, "ok"), ("no connection", "no connection")):
        readiness = Readiness(None, None, None, attestation=problem, has_attestation_check=True)
        body = body_of(readiness)
        assert (body["status"], body["attestation"]) == ("ready", shown)


def test_after_a_stop_signal_the_status_is_stopping() -> None:
    for problem in (None, "the disk is full"):
        assert body_of(Readiness(problem, None, None), is_stopping=True)["status"] == "stopping"
