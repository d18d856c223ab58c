"""The response of the readiness check names each part."""

from application.operations.check_readiness import Readiness
from entrypoints.http.operations import show_readiness


def body_of(
    database: str | None, *, is_shared: bool = False, **parts: str | None
) -> dict[str, str]:
    is_ready = database is None or is_shared
    readiness = Readiness(database, parts, frozenset({"messages"}), is_shared, is_ready=is_ready)
    return show_readiness(readiness, is_stopping=False)


def test_a_shared_database_is_unavailable_and_the_details_say_why() -> None:
    assert body_of("no answer", is_shared=True, disk="low", messages=None) == {
        "status": "ready",
        "database": "unavailable",
        "disk": "low",
        "messages": "ok",
        "details": "no answer",
    }


def test_why_a_provider_does_not_work_is_not_public() -> None:
    body = body_of(None, messages="twilio: a recent message may be lost", disk="low")
    assert (body["messages"], body["disk"], body["status"]) == ("degraded", "low", "ready")
